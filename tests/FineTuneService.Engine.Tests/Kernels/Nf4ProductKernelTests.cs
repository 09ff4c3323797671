using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Quantization;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Kernels;

public sealed class Nf4ProductKernelTests
{
    private const int Rows = 371, Offset = 3;

    /// <summary>One block a row, and several; one token, less and more than are taken together.</summary>
    public static TheoryData<string, bool, int, int> Cases => new MatrixTheoryData<string, bool, int, int>(KernelPaths.All, [false, true], [64, 192, 576], [1, 4, 7, 16]);

    [Theory, MemberData(nameof(Cases))]
    public void Forward_EveryPath_EqualsProductWithDequantisedMatrix(string path, bool bf16, int width, int tokens)
    {
        using var on = new KernelPaths(path);
        Nf4Matrix matrix = Matrix(width, doubleQuantization: tokens % 2 == 0);
        Tensor x = KernelPaths.Draw(2, KernelPaths.Dtype(bf16), tokens, width);
        Tensor y = zeros([tokens, Rows + Offset], x.dtype), dense = empty([Rows, width], ScalarType.Float32);
        Assert.True(Nf4ProductKernel.Fits(x, width));
        Nf4ProductKernel.Forward(x, matrix, y, Offset);

        matrix.Dequantize(dense);
        KernelPaths.Equal(x.to_type(ScalarType.Float32).mm(dense.t()), y.narrow(1, Offset, Rows));
        Assert.Equal(0, y.narrow(1, 0, Offset).abs().max().to_type(ScalarType.Float32).item<float>());
    }

    public static TheoryData<string, bool> Companies => new MatrixTheoryData<string, bool>(KernelPaths.All, [false, true]);

    [Theory, MemberData(nameof(Companies))]
    public void Forward_TokensInAnyCompany_GiveTheSameBits(string path, bool bf16)
    {
        using var on = new KernelPaths(path);
        const int most = 16, width = 192;
        Nf4Matrix matrix = Matrix(width, doubleQuantization: true);
        Tensor x = KernelPaths.Draw(2, KernelPaths.Dtype(bf16), most, width), alone = zeros([most, Rows], x.dtype);
        for (int token = 0; token < most; token++) Nf4ProductKernel.Forward(x.narrow(0, token, 1), matrix, alone.narrow(0, token, 1), 0);
        for (int tokens = 2; tokens <= most; tokens++)
        {
            Tensor together = zeros([tokens, Rows], x.dtype);
            Nf4ProductKernel.Forward(x.narrow(0, most - tokens, tokens), matrix, together, 0);
            Assert.True(together.bytes.SequenceEqual(alone.narrow(0, most - tokens, tokens).contiguous().bytes), $"{tokens} tokens");
        }
    }

    [Fact]
    public void Fits_BlocksThatCrossRowsOrManyTokens_IsFalse()
    {
        using var scope = NewDisposeScope();
        Assert.False(Nf4ProductKernel.Fits(zeros(1, 172), 172));
        Assert.False(Nf4ProductKernel.Fits(zeros(17, 64), 64));
    }

    private static Nf4Matrix Matrix(int width, bool doubleQuantization) =>
        Nf4Matrix.Quantize(new CounterRandom(1, 1).Uniform(Rows * width, -1, 1), doubleQuantization);
}
