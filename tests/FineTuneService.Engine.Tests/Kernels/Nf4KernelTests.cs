using System.Runtime.InteropServices;
using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Quantization;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Kernels;

/// <summary>Blocks shorter than a register go one by one, so both paths run on any processor.</summary>
public sealed class Nf4KernelTests
{
    [Theory, InlineData(1), InlineData(7), InlineData(15), InlineData(16), InlineData(17), InlineData(63), InlineData(64)]
    public void Dequantize_BlocksOfAnyLength_GiveCodeTimesScale(int length)
    {
        byte[] packed = [.. Enumerable.Range(0, 32).Select(i => (byte)(i * 37 + 11))];
        const float scale = 0.37f;
        float[] wanted = [.. Enumerable.Range(0, length).Select(i => Nf4.Codes[i % 2 == 0 ? packed[i / 2] >> 4 : packed[i / 2] & 15] * scale)];
        var made = new float[length];
        Nf4Kernel.Dequantize(packed, scale, made);
        Assert.Equal(wanted, made);

        var rounded = new ushort[length];
        Nf4Kernel.Dequantize(packed, scale, rounded);
        using Tensor wide = tensor(wanted), narrow = wide.to_type(ScalarType.BFloat16);
        Assert.Equal(MemoryMarshal.Cast<byte, ushort>(narrow.bytes).ToArray(), rounded);
    }
}
