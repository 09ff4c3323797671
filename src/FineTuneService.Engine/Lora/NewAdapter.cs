using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Lora.Initialisations;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Lora;

/// <summary>Makes an adapter that changes nothing yet: where training starts.</summary>
internal static class NewAdapter
{
    /// <exception cref="ArgumentException">A target matches no layer, or the config cannot be trained.</exception>
    public static Adapter On(ModelSlots model, DecoderWeights weights, LoraConfig config, ulong seed, bool bf16)
    {
        if (config.EnsureWeightTying) throw new ArgumentException("ensure_weight_tying is for adapters that were made elsewhere; leave it out");
        Initialisation initialisation = Initialisation.Of(config.Initialisation);
        LoraLayout layout = LoraLayout.Of(model, config);
        var values = new LoraTensors(layout, bf16 ? ScalarType.BFloat16 : ScalarType.Float32, weights.Device);
        using var pool = new BufferPool(weights.Device);
        using var scope = NewDisposeScope();
        Fill(values, weights, initialisation, seed, pool);
        return new Adapter(config, values);
    }

    private static void Fill(LoraTensors values, DecoderWeights weights, Initialisation initialisation, ulong seed, BufferPool pool)
    {
        ulong stream = 0;
        foreach (LinearWeight linear in weights.Linears)
        {
            if (values.Of(linear) is not { } joined) continue;
            foreach (JoinedLoraPart part in joined.Parts)
            {
                initialisation.Fill(part, () => WeightOf(linear, part.OutOffset, part.Out, pool), new CounterRandom(seed, stream++));
                if (part.Magnitude is null) continue;
                using Tensor weight = DoraScales.AdaptedWeight(linear, part, initialisation.ChangesBase ? part : null, pool), norm = weight.norm(1);
                part.Magnitude.copy_(norm);
            }
            foreach (ReplacedPart part in joined.Replaced)
            {
                part.Weight?.copy_(WeightOf(linear, part.Part.Offset, part.Part.Out, pool));
                part.Bias?.copy_(linear.Bias!.narrow(0, part.Part.Offset, part.Part.Out));
            }
            joined.Tokens?.Rows.copy_(weights.Head.Matrix.Values().index_select(0, joined.Tokens.Ids));
        }
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

    private static Tensor WeightOf(LinearWeight linear, int offset, int rows, BufferPool pool)
    {
        using var scope = NewDisposeScope();
        Tensor dense = linear.Dense(pool);
        Tensor weight = dense.narrow(0, offset, rows).to_type(ScalarType.Float32).clone();
        pool.Return(dense);
        return weight.MoveToOuterDisposeScope();
    }
}
