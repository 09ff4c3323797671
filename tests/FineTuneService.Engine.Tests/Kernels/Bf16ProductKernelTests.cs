using FineTuneService.Engine.Kernels;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Kernels;

public sealed class Bf16ProductKernelTests
{
    private const int Rows = 203, Behind = 32;

    /// <summary>Widths that fill no block, end within one, and fill several.</summary>
    public static TheoryData<string, int, int> Cases =>
        new MatrixTheoryData<string, int, int>(KernelPaths.All, [1, 2, 7, 63, 64, 65, 172, 576], [1, 3, 4, 16]);

    [Theory, MemberData(nameof(Cases))]
    public void Forward_EveryPath_EqualsProductInFp32(string path, int width, int tokens)
    {
        using var on = new KernelPaths(path);
        Tensor x = KernelPaths.Draw(1, ScalarType.BFloat16, tokens, width), weight = BesideNaN(KernelPaths.Draw(2, ScalarType.BFloat16, Rows, width));
        Tensor y = empty([tokens, Rows], ScalarType.BFloat16);
        Bf16ProductKernel.Forward(x, weight, y);
        KernelPaths.Equal(x.to_type(ScalarType.Float32).mm(weight.to_type(ScalarType.Float32).t()), y);
    }

    [Theory, MemberData(nameof(Paths))]
    public void Forward_TokensInAnyCompany_GiveTheSameBits(string path)
    {
        using var on = new KernelPaths(path);
        const int most = 16, width = 172;
        Tensor x = KernelPaths.Draw(1, ScalarType.BFloat16, most, width), weight = KernelPaths.Draw(2, ScalarType.BFloat16, Rows, width);
        Tensor alone = zeros([most, Rows], x.dtype);
        for (int token = 0; token < most; token++) Bf16ProductKernel.Forward(x.narrow(0, token, 1), weight, alone.narrow(0, token, 1));
        for (int tokens = 2; tokens <= most; tokens++)
        {
            Tensor together = zeros([tokens, Rows], x.dtype);
            Bf16ProductKernel.Forward(x.narrow(0, most - tokens, tokens), weight, together);
            Assert.True(together.bytes.SequenceEqual(alone.narrow(0, most - tokens, tokens).contiguous().bytes), $"{tokens} tokens");
        }
    }

    [Theory, MemberData(nameof(Paths))]
    public void Forward_NaNInOneToken_StaysWithIt(string path)
    {
        using var on = new KernelPaths(path);
        Tensor x = KernelPaths.Draw(1, ScalarType.BFloat16, 5, 64), weight = KernelPaths.Draw(2, ScalarType.BFloat16, Rows, 64);
        x.select(0, 2).fill_(float.NaN);
        Tensor y = empty([5, Rows], ScalarType.BFloat16);
        Bf16ProductKernel.Forward(x, weight, y);
        Tensor isNaN = y.isnan();
        Assert.True(isNaN.select(0, 2).all().item<bool>());
        Assert.Equal(Rows, isNaN.sum().item<long>());
    }

    [Theory, InlineData(false, 4), InlineData(true, 16)]
    public void Fits_Bf16_UpToWhereAnotherProductIsFaster(bool throughFp32, int most)
    {
        using var scope = NewDisposeScope();
        bool before = MatrixProduct.ThroughFp32;
        MatrixProduct.ThroughFp32 = throughFp32;
        Assert.True(Bf16ProductKernel.Fits(zeros([most, 8], ScalarType.BFloat16)));
        Assert.False(Bf16ProductKernel.Fits(zeros([most + 1, 8], ScalarType.BFloat16)));
        Assert.False(Bf16ProductKernel.Fits(zeros(1, 8)));
        MatrixProduct.ThroughFp32 = before;
    }

    public static TheoryData<string> Paths => [.. KernelPaths.All];

    /// <summary>The same values, with NaN behind each row: what is read there by mistake shows.</summary>
    private static Tensor BesideNaN(Tensor weight)
    {
        Tensor whole = full([weight.shape[0], weight.shape[1] + Behind], float.NaN, weight.dtype);
        Tensor values = whole.narrow(1, 0, weight.shape[1]);
        values.copy_(weight);
        return values;
    }
}
