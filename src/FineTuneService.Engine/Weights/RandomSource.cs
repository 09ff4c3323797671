using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Kernels;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Weights;

/// <summary>Tensors of a model that has learned nothing: normal with config.json's initializer_range, norms 1, biases 0, each drawn by counter.</summary>
internal sealed class RandomSource : ITensorSource
{
    private const int ChunkValues = 1 << 16;

    private readonly float _deviation;
    private readonly ulong _seed;
    private readonly Dictionary<string, (Slot Slot, ulong Stream)> _slots;

    public RandomSource(ModelSlots slots, float deviation, ulong seed)
    {
        (_deviation, _seed) = (deviation, seed);
        _slots = slots.All.Select((slot, i) => (slot, (ulong)i)).ToDictionary(entry => entry.slot.Name);
    }

    public IReadOnlyCollection<string> Names => _slots.Keys;

    public StoredTensor? Find(string name) =>
        _slots.TryGetValue(name, out (Slot Slot, ulong Stream) entry) ? new StoredTensor(name, ScalarType.Float32, entry.Slot.Shape) : null;

    public Tensor Read(string name)
    {
        (Slot slot, ulong stream) = _slots[name];
        if (slot.Kind == SlotKind.Norm) return ones(slot.Shape);
        if (slot.Kind == SlotKind.Bias) return zeros(slot.Shape);
        using Tensor flat = tensor(Values(slot.Count, stream));
        return flat.view(slot.Shape);
    }

    public void RefuseNonFinite(string name) { }

    public void Dispose() { }

    /// <summary>Box and Muller's transform of two uniform numbers.</summary>
    private float[] Values(long count, ulong stream)
    {
        var random = new CounterRandom(_seed, stream);
        var values = new float[count];
        Chunks.Run((int)((count + ChunkValues - 1) / ChunkValues), chunk =>
        {
            for (long i = (long)chunk * ChunkValues; i < Math.Min(count, (chunk + 1L) * ChunkValues); i++)
            {
                double radius = Math.Sqrt(-2 * Math.Log(1 - random.Unit((ulong)(2 * i))));
                values[i] = _deviation * (float)(radius * Math.Cos(2 * Math.PI * random.Unit((ulong)(2 * i + 1))));
            }
        });
        return values;
    }
}
