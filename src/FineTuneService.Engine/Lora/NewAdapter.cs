using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Lora.Initialisations;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Lora;

/// <summary>Makes an adapter that changes nothing yet: where training starts.</summary>
internal static class NewAdapter
{
    /// <param name="original">The base's file, for initialisations that ask what quantization took off its weights; null: there is none.</param>
    /// <exception cref="ArgumentException">A target matches no layer, or the config cannot be trained.</exception>
    public static Adapter On(ModelSlots model, DecoderWeights weights, LoraConfig config, ulong seed, bool bf16, ITensorSource? original = null, Action? betweenModules = null)
    {
        if (config.EnsureWeightTying) throw new ArgumentException("ensure_weight_tying is for adapters that were made elsewhere; leave it out");
        Initialisation initialisation = Initialisation.Of(config.Initialisation);
        LoraLayout layout = LoraLayout.Of(model, config);
        if (initialisation.NeedsQuantizedBase && original is null)
            throw new ArgumentException($"init_lora_weights {config.Initialisation} begins from what quantization took off the base: it needs a base in int8, nf4 or fp4 that has its files");
        var values = new LoraTensors(layout, bf16 ? ScalarType.BFloat16 : ScalarType.Float32, weights.Device);
        using var pool = new BufferPool(weights.Device);
        var adapter = new Adapter(config, values);
        try
        {
            Fill(values, weights, initialisation, seed, pool, original, betweenModules);
            if (initialisation.ChangesBase) adapter.RemoveFromBase();
            return adapter;
        }
        catch
        {
            adapter.Dispose();
            throw;
        }
    }

    /// <summary>What an adapter that was made elsewhere took off its base, made again of the base's weights (PiSSA, OLoRA).</summary>
    /// <param name="adapter">Its values are read already.</param>
    /// <param name="betweenModules">Called between modules: others may work meanwhile.</param>
    /// <exception cref="ArgumentException">It cannot be made again of these weights.</exception>
    public static void Remove(Adapter adapter, DecoderWeights weights, Action? betweenModules)
    {
        using var pool = new BufferPool(weights.Device);
        Initialisation initialisation = Initialisation.Of(adapter.Config.Initialisation);
        adapter.RemoveFromBase();
        foreach (LinearWeight linear in weights.Linears)
        {
            foreach (JoinedLoraPart part in adapter.Removed!.Of(linear)?.Parts ?? [])
            {
                if (linear.Stored is null) throw new ArgumentException($"init_lora_weights {adapter.Config.Initialisation} took off what a base that is not quantized has; load it on one in fp32 or bf16");
                using (NewDisposeScope())
                    initialisation.Fill(part, new ModuleWeights(() => WeightOf(linear, part.OutOffset, part.Out, pool), () => throw new NotSupportedException()), default);
                betweenModules?.Invoke();
            }
        }
    }

    private static void Fill(LoraTensors values, DecoderWeights weights, Initialisation initialisation, ulong seed, BufferPool pool, ITensorSource? original, Action? betweenModules)
    {
        ulong stream = 0;
        foreach (LinearWeight linear in weights.Linears)
        {
            if (values.Of(linear) is not { } joined) continue;
            foreach (JoinedLoraPart part in joined.Parts)
            {
                Begin(part, linear, initialisation, new CounterRandom(seed, stream++), pool, original);
                betweenModules?.Invoke(); // No scope is open here: whoever works keeps what it makes.
            }
            using var scope = NewDisposeScope();
            foreach (ReplacedPart part in joined.Replaced)
            {
                part.Weight?.copy_(WeightOf(linear, part.Part.Offset, part.Part.Out, pool));
                part.Bias?.copy_(linear.Bias!.narrow(0, part.Part.Offset, part.Part.Out));
            }
            joined.Tokens?.Rows.copy_(weights.Head.Matrix.Values().index_select(0, joined.Tokens.Ids));
        }
        using var rest = NewDisposeScope();
        foreach (NormWeight norm in weights.Norms)
        {
            values.Of(norm)?.Weight?.copy_(norm.Weight);
            values.Of(norm)?.Bias?.copy_(norm.Bias!);
        }
        values.Table?.copy_(weights.Embedding.Values());
        values.Tokens?.Rows.copy_(weights.Embedding.Values().index_select(0, values.Tokens.Ids));
        foreach (PromptTensors prompt in values.Prompts) Gaussian.Draw(prompt.Prompt, 1, new CounterRandom(seed, stream++)); // Its gate is zero.
        if (values.Embedding is { } embedding) Gaussian.Draw(embedding.B, 1, new CounterRandom(seed, stream)); // A is zero.
    }

    private static void Begin(JoinedLoraPart part, LinearWeight linear, Initialisation initialisation, CounterRandom random, BufferPool pool, ITensorSource? original)
    {
        using var scope = NewDisposeScope();
        var module = new ModuleWeights(
            () => WeightOf(linear, part.OutOffset, part.Out, pool), () => original!.Read(part.Module + ".weight").to_type(ScalarType.Float32));
        initialisation.Fill(part, module, random);
        part.Magnitude?.copy_(DoraScales.AdaptedWeight(linear, part, initialisation.ChangesBase ? part : null, pool).norm(1));
    }

    private static Tensor WeightOf(LinearWeight linear, int offset, int rows, BufferPool pool)
    {
        using var scope = NewDisposeScope();
        Tensor dense = linear.Dense(pool);
        Tensor weight = dense.narrow(0, offset, rows).to_type(ScalarType.Float32).clone();
        pool.Return(dense);
        return weight.MoveToOuterDisposeScope();
    }
}
