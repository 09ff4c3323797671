using System.Runtime.InteropServices;
using FineTuneService.Engine.Kernels;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Kernels;

public sealed class FourBitKernelTests
{
    private static readonly float[] Book = [.. Enumerable.Range(0, 16).Select(code => (float)Math.Sin(code + 1))];

    public static TheoryData<string, int> Cases => new MatrixTheoryData<string, int>(KernelPaths.All, [1, 7, 8, 15, 16, 17, 63, 64]);

    [Theory, MemberData(nameof(Cases))]
    public void Dequantize_BlocksOfAnyLength_GiveCodeTimesScale(string path, int length)
    {
        using var on = new KernelPaths(path);
        byte[] packed = [.. Enumerable.Range(0, 32).Select(i => (byte)(i * 37 + 11))];
        const float scale = 0.37f;
        float[] wanted = [.. Enumerable.Range(0, length).Select(i => Book[i % 2 == 0 ? packed[i / 2] >> 4 : packed[i / 2] & 15] * scale)];
        var made = new float[length];
        FourBitKernel.Dequantize(packed, Book, scale, made);
        Assert.Equal(wanted, made);

        var rounded = new ushort[length];
        FourBitKernel.Dequantize(packed, Book, scale, rounded);
        using Tensor wide = tensor(wanted), narrow = wide.to_type(ScalarType.BFloat16);
        Assert.Equal(MemoryMarshal.Cast<byte, ushort>(narrow.bytes).ToArray(), rounded);
    }
}
