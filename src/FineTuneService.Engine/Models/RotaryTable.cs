using FineTuneService.Engine.Operations;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Models;

/// <summary>Cosines and sines of a rotary embedding by position, made once and extended as longer sequences come.</summary>
/// <param name="neighbours">Dimensions 2i and 2i + 1 are turned together.</param>
internal sealed class RotaryTable(RopeTraits rope, bool neighbours, Device device) : IDisposable
{
    private const int FirstLength = 256;
    private RotaryFrequencies? _frequencies;
    private Tensor? _cos, _sin;

    /// <summary>
    /// The rotation of a batch's tokens. Where frequencies depend on the length, they are by the longest row, as in transformers; but of cached
    /// sequences each has its own, so that an answer does not depend on what it shares a batch with.
    /// </summary>
    public Rotation For(TokenBatch batch, long[] positions) =>
        rope.Scaling?.DependsOnLength == true && batch.Sequences.Length > 0 ? EachRow(batch, positions) : For(positions);

    /// <summary>The rotation at these positions, by the frequencies of the last of them.</summary>
    public Rotation For(long[] positions)
    {
        int length = (int)positions.Max() + 1;
        RotaryFrequencies frequencies = RotaryFrequencies.Of(rope, length);
        if (_cos is null || _cos.shape[0] < length || !frequencies.SameAs(_frequencies!)) Make(frequencies, length);
        return new Rotation(_cos!, _sin!, tensor(positions, device: device).MoveToOuterDisposeScope(), neighbours);
    }

    public void Dispose()
    {
        _cos?.Dispose();
        _sin?.Dispose();
    }

    /// <summary>A table with one entry a token.</summary>
    private Rotation EachRow(TokenBatch batch, long[] positions)
    {
        RotaryFrequencies[] rows = [.. Enumerable.Range(0, batch.Rows).Select(row => RotaryFrequencies.Of(rope, batch.LengthOf(row)))];
        RotaryFrequencies Of(int token) => rows[token / batch.Width];
        Tensor cos = Values(positions, Of, Math.Cos).MoveToOuterDisposeScope(), sin = Values(positions, Of, Math.Sin).MoveToOuterDisposeScope();
        return new Rotation(cos, sin, arange(positions.Length, ScalarType.Int64, device).MoveToOuterDisposeScope(), neighbours);
    }

    private void Make(RotaryFrequencies frequencies, int length)
    {
        Dispose();
        int rows = FirstLength;
        while (rows < length) rows *= 2;
        long[] positions = [.. Enumerable.Range(0, rows).Select(position => (long)position)];
        _frequencies = frequencies;
        _cos = Values(positions, _ => frequencies, Math.Cos).DetachFromDisposeScope();
        _sin = Values(positions, _ => frequencies, Math.Sin).DetachFromDisposeScope();
    }

    /// <summary>[positions, turned dimensions / 2] in fp32, from angles rounded to fp32 as transformers has them.</summary>
    private Tensor Values(long[] positions, Func<int, RotaryFrequencies> of, Func<double, double> function)
    {
        int half = rope.Dims / 2;
        var values = new float[positions.Length * half];
        for (int i = 0; i < positions.Length; i++)
        {
            RotaryFrequencies frequencies = of(i);
            for (int pair = 0; pair < half; pair++) values[i * half + pair] = (float)(function(positions[i] * frequencies.Inverse[pair]) * frequencies.Scaling);
        }
        using Tensor flat = tensor(values, device: device);
        return flat.view(positions.Length, half);
    }
}
