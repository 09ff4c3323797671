using System.Runtime.InteropServices;
using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Quantization;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Kernels;

public sealed class Nf4KernelTests
{
    public static TheoryData<string, int> Cases => new MatrixTheoryData<string, int>(KernelPaths.All, [1, 7, 8, 15, 16, 17, 63, 64]);

    [Theory, MemberData(nameof(Cases))]
    public void Dequantize_BlocksOfAnyLength_GiveCodeTimesScale(string path, int length)
    {
        using var on = new KernelPaths(path);
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
