using static TorchSharp.torch;

namespace FineTuneService.Engine.Models.Operations;

/// <summary>Rotated keys, and values, of the tokens that sequences have been through, one slot a sequence.</summary>
internal sealed class KvCache : IDisposable
{
    private readonly Tensor[] _keys, _values;
    private readonly int[] _lengths;

    /// <param name="capacity">Tokens that a slot can hold.</param>
    /// <param name="dtype">The compute dtype.</param>
    public KvCache(ModelConfig config, int slots, int capacity, ScalarType dtype, Device device)
    {
        (Capacity, _lengths) = (capacity, new int[slots]);
        long[] shape = [slots, config.KeyValueHeads, capacity, config.HeadDim];
        Tensor[] Make() => [.. Enumerable.Range(0, config.Layers).Select(_ => empty(shape, dtype: dtype, device: device).DetachFromDisposeScope())];
        (_keys, _values) = (Make(), Make());
    }

    public int Capacity { get; }

    /// <summary>Tokens that a slot holds.</summary>
    public int Length(int slot) => _lengths[slot];

    /// <summary>Empties a slot for another sequence.</summary>
    public void Clear(int slot) => _lengths[slot] = 0;

    /// <summary>Called once all layers have written <paramref name="count"/> tokens.</summary>
    public void Advance(int slot, int count) => _lengths[slot] += count;

    /// <summary>[slots, kvHeads, capacity, headDim].</summary>
    public Tensor Keys(int layer) => _keys[layer];

    /// <summary>[slots, kvHeads, capacity, headDim].</summary>
    public Tensor Values(int layer) => _values[layer];

    /// <summary>[kvHeads, capacity, headDim].</summary>
    public Tensor Keys(int layer, int slot) => _keys[layer].select(0, slot);

    /// <summary>[kvHeads, capacity, headDim].</summary>
    public Tensor Values(int layer, int slot) => _values[layer].select(0, slot);

    public void Dispose()
    {
        foreach (Tensor tensor in _keys.Concat(_values)) tensor.Dispose();
    }
}
