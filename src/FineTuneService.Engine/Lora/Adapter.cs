using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Lora;

/// <summary>What is trained on a frozen base: low-rank matrices, and whatever of the base is replaced. One contiguous buffer, fp32 unless all is bf16.</summary>
public sealed class Adapter : IDisposable
{
    private readonly DoraScales _scales = new();
    private readonly PromptKeys _prompts = new();
    private LoraTensors? _compute, _computeRemoved;

    internal Adapter(LoraConfig config, LoraTensors values) => (Config, Values) = (config, values);

    public LoraConfig Config { get; }

    /// <summary>Bytes of its tensors.</summary>
    public long Bytes => (Values.Flat.numel() + (Removed?.Flat.numel() ?? 0)) * Values.Flat.element_size();

    /// <summary>The same with their copy in the dtype that products are computed in, where that is another.</summary>
    internal long BytesIn(ScalarType compute) => Values.Flat.dtype == compute ? Bytes : Bytes + Bytes / Values.Flat.element_size() * compute.ElementSize();

    /// <summary>The parameters that train.</summary>
    public long ParameterCount => Values.Layout.Length;

    /// <summary>There are low-rank matrices alone, and they are those of a new adapter, or prompts, and every gate is zero: the base answers as without it.</summary>
    public bool ChangesNothing
    {
        get
        {
            using var scope = NewDisposeScope();
            if (Values.Layout.Prompts.Count > 0) return Values.Prompts.All(prompt => prompt.Gate.count_nonzero().item<long>() == 0);
            return Values.Layout.IsPlain && Values.Parts.All(part => Removed?[part.Module] is { } removed
                ? part.A.Equals(removed.A) && part.B.Equals(removed.B) : part.B.count_nonzero().item<long>() == 0);
        }
    }

    internal LoraTensors Values { get; }

    /// <summary>The matrices of one module, or null where it is not targeted.</summary>
    internal JoinedLoraPart? this[string module] => Values[module];

    /// <summary>
    /// The matrices that training started from, where their product counts as taken off the base's weights (PiSSA, OLoRA): the new adapter
    /// changes nothing, and the base stays as it is. Null: nothing is.
    /// </summary>
    internal LoraTensors? Removed { get; private set; }

    /// <summary>Takes A and B, as they are now, for what is <see cref="Removed"/>.</summary>
    internal void RemoveFromBase()
    {
        Removed = new LoraTensors(Values.Layout.Matrices, Values.Flat.dtype, Values.Flat.device);
        foreach (JoinedLoraPart part in Removed.Parts)
        {
            part.A.copy_(Values[part.Module]!.A);
            part.B.copy_(Values[part.Module]!.B);
        }
    }

    /// <summary><see cref="Removed"/> in the dtype that products are computed in.</summary>
    internal LoraTensors? ComputeRemoved(ScalarType dtype)
    {
        if (Removed is null || dtype == Removed.Flat.dtype) return Removed;
        if (_computeRemoved is not null) return _computeRemoved;
        _computeRemoved = new LoraTensors(Removed.Layout, dtype, Removed.Flat.device);
        Changed();
        return _computeRemoved;
    }

    /// <summary>An adapter of zeros, to be filled, on those of the config's targets that the model has.</summary>
    /// <exception cref="ArgumentException">The config is not one that can be used.</exception>
    internal static Adapter Empty(ModelSlots model, LoraConfig config, Device device, bool bf16 = false) =>
        new(config, new LoraTensors(LoraLayout.OfMatching(model, config), bf16 ? ScalarType.BFloat16 : ScalarType.Float32, device));

    /// <summary>The tensors in the dtype that products are computed in: the adapter's own, or a rounded copy (autocast's semantics).</summary>
    internal LoraTensors Compute(ScalarType dtype)
    {
        if (dtype == Values.Flat.dtype) return Values;
        if (_compute is not null) return _compute;
        _compute = new LoraTensors(Values.Layout, dtype, Values.Flat.device);
        Changed();
        return _compute;
    }

    /// <summary>DoRA's factors of a module's outputs.</summary>
    internal DoraScale DoraScale(LinearWeight linear, JoinedLoraPart part, BufferPool pool) =>
        _scales.Of(linear, Values[part.Module]!, Removed?[part.Module], pool);

    /// <summary>Keys and values of a prompt, [length, queries + keys + values].</summary>
    /// <param name="prompt">This adapter's on that layer, in the compute dtype.</param>
    internal Tensor PromptKeys(LinearWeight qkv, Tensor prompt, BufferPool pool) => _prompts.Of(qkv, prompt, pool);

    /// <summary>Must follow every change of the values: renews what follows from them.</summary>
    internal void Changed()
    {
        _compute?.Flat.copy_(Values.Flat);
        _computeRemoved?.Flat.copy_(Removed!.Flat);
        _scales.Clear();
        _prompts.Clear();
    }

    public void Dispose()
    {
        _scales.Dispose();
        _prompts.Dispose();
        _computeRemoved?.Dispose();
        Removed?.Dispose();
        _compute?.Dispose();
        Values.Dispose();
    }
}
