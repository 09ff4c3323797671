using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Lora;

/// <summary>Low-rank matrices for a base model: one contiguous buffer, fp32 unless all is bf16.</summary>
public sealed class Adapter : IDisposable
{
    private LoraTensors? _compute;

    internal Adapter(LoraConfig config, LoraTensors values) => (Config, Values) = (config, values);

    public LoraConfig Config { get; }

    /// <summary>Bytes of A and B.</summary>
    public long Bytes => Values.Flat.numel() * Values.Flat.element_size();

    /// <summary>Elements of A and B: the parameters that train.</summary>
    public long ParameterCount => Values.Layout.Length;

    /// <summary>Every B is zero, as in a new adapter: the base answers as without it.</summary>
    public bool ChangesNothing
    {
        get
        {
            using var scope = NewDisposeScope();
            return Values.Parts.All(part => part.B.count_nonzero().item<long>() == 0);
        }
    }

    internal LoraTensors Values { get; }

    /// <summary>The matrices of one module, or null where it is not targeted.</summary>
    internal JoinedLoraPart? this[string module] => Values.Parts.FirstOrDefault(part => part.Module == module);

    /// <summary>A new adapter that changes nothing yet: A is Kaiming-uniform (±1/√in, as PEFT's), drawn by counter, and B zero.</summary>
    /// <exception cref="ArgumentException">A target matches no layer, or the config cannot be trained.</exception>
    internal static Adapter Create(ModelSlots model, LoraConfig config, ulong seed, Device device, bool bf16 = false)
    {
        Adapter adapter = Of(LoraLayout.Of(model, config), config, device, bf16);
        ulong module = 0;
        foreach (JoinedLoraPart part in adapter.Values.Parts)
        {
            var random = new CounterRandom(seed, stream: module++);
            float bound = 1 / MathF.Sqrt(part.A.shape[1]);
            using Tensor drawn = tensor(random.Uniform(part.A.numel(), -bound, bound));
            part.A.copy_(drawn.view(part.A.shape));
        }
        return adapter;
    }

    /// <summary>An adapter of zeros, to be filled, on those of the config's targets that the model has.</summary>
    internal static Adapter Empty(ModelSlots model, LoraConfig config, Device device, bool bf16 = false) => Of(LoraLayout.OfMatching(model, config), config, device, bf16);

    /// <summary>The matrices in the dtype that products are computed in: the adapter's own, or a rounded copy (autocast's semantics).</summary>
    internal LoraTensors Compute(ScalarType dtype)
    {
        if (dtype == Values.Flat.dtype) return Values;
        if (_compute is not null) return _compute;
        _compute = new LoraTensors(Values.Layout, dtype, Values.Flat.device);
        Changed();
        return _compute;
    }

    /// <summary>Must follow every change of the values: renews the rounded copy.</summary>
    internal void Changed() => _compute?.Flat.copy_(Values.Flat);

    private static Adapter Of(LoraLayout layout, LoraConfig config, Device device, bool bf16) =>
        new(config, new LoraTensors(layout, bf16 ? ScalarType.BFloat16 : ScalarType.Float32, device));

    public void Dispose()
    {
        _compute?.Dispose();
        Values.Dispose();
    }
}
