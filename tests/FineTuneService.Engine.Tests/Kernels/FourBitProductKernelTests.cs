using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Quantization;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Kernels;

public sealed class FourBitProductKernelTests
{
    private const int Rows = 371;

    /// <summary>One block a row, and several; one token, less and more than are taken together.</summary>
    public static TheoryData<string, bool, int, int> Cases => new MatrixTheoryData<string, bool, int, int>(KernelPaths.All, [false, true], [64, 192, 576], [1, 4, 7, 16]);

    [Theory, MemberData(nameof(Cases))]
    public void Forward_EveryPath_EqualsProductWithDequantisedMatrix(string path, bool bf16, int width, int tokens)
    {
        using var on = new KernelPaths(path);
        using FourBitMatrix matrix = Matrix(width, nf4: width != 192, doubleQuantization: tokens % 2 == 0);
        Tensor x = KernelPaths.Draw(2, KernelPaths.Dtype(bf16), tokens, width), dense = empty([Rows, width], ScalarType.Float32);
        var y = new Guarded(zeros([tokens, Rows], x.dtype));
        Assert.True(matrix.ReadsCodes(x));
        matrix.MultiplyCodes(x, y.Values);

        matrix.Fill(dense);
        y.EqualTo(x.to_type(ScalarType.Float32).mm(dense.t()));
    }

    public static TheoryData<string, bool> Companies => new MatrixTheoryData<string, bool>(KernelPaths.All, [false, true]);

    [Theory, MemberData(nameof(Companies))]
    public void Forward_TokensInAnyCompany_GiveTheSameBits(string path, bool bf16)
    {
        using var on = new KernelPaths(path);
        const int most = 16, width = 192;
        using FourBitMatrix matrix = Matrix(width, nf4: bf16, doubleQuantization: true);
        Company.Check(most, KernelPaths.Draw(2, KernelPaths.Dtype(bf16), most, width), Rows, matrix.MultiplyCodes);
    }

    [Fact]
    public void ReadsCodes_BlocksThatCrossRowsOrManyTokens_IsFalse()
    {
        using var scope = NewDisposeScope();
        Assert.False(FourBitProductKernel.Fits(zeros(1, 172), 64));
        Assert.False(FourBitProductKernel.Fits(zeros(17, 64), 64));
        Assert.False(FourBitProductKernel.Fits(zeros(1, 128), 128));
    }

    private static FourBitMatrix Matrix(int width, bool nf4, bool doubleQuantization)
    {
        using Tensor values = tensor(new CounterRandom(1, 1).Uniform(Rows * width, -1, 1)).view(Rows, width);
        return FourBitMatrix.Quantize(values, nf4 ? Nf4Format.NormalFloat : Fp4Format.FloatingPoint, doubleQuantization, ScalarType.Float32);
    }
}
