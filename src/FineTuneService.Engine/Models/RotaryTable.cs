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

    /// <summary>The rotation of a batch's tokens. Where the frequencies depend on the length, it is the longest row's.</summary>
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

    private void Make(RotaryFrequencies frequencies, int length)
    {
        Dispose();
        int rows = FirstLength;
        while (rows < length) rows *= 2;
        _frequencies = frequencies;
        _cos = Values(frequencies, rows, Math.Cos);
        _sin = Values(frequencies, rows, Math.Sin);
    }

    /// <summary>[positions, turned dimensions / 2] in fp32, from angles rounded to fp32 as transformers has them.</summary>
    private Tensor Values(RotaryFrequencies frequencies, int positions, Func<double, double> function)
    {
        int half = frequencies.Inverse.Length;
        var values = new float[positions * half];
        for (int i = 0; i < values.Length; i++)
            values[i] = (float)(function(i / half * frequencies.Inverse[i % half]) * frequencies.Scaling);
        using Tensor flat = tensor(values, device: device);
        return flat.view(positions, half).DetachFromDisposeScope();
    }
}
