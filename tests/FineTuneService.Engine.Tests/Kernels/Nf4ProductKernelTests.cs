using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Quantization;
using FineTuneService.Engine.Training;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Kernels;

public sealed class Nf4ProductKernelTests
{
    private const int Width = 192, Rows = 50, Offset = 3;

    [Theory]
    [InlineData(1, false, false)]
    [InlineData(4, true, false)]
    [InlineData(7, false, true)]
    [InlineData(16, true, true)]
    public void Forward_FewTokens_EqualsProductWithDequantisedMatrix(int tokens, bool doubleQuantization, bool bf16)
    {
        using var scope = NewDisposeScope();
        ScalarType dtype = bf16 ? ScalarType.BFloat16 : ScalarType.Float32;
        Nf4Matrix matrix = Matrix(doubleQuantization);
        Tensor x = Inputs(tokens).to_type(dtype);
        Assert.SkipUnless(Nf4ProductKernel.Fits(x, Width), "the processor has no 512-bit registers");
        Tensor y = zeros([tokens, Rows + Offset], dtype), dense = empty([Rows, Width], ScalarType.Float32);
        Nf4ProductKernel.Forward(x, matrix, y, Offset);

        matrix.Dequantize(dense);
        Tensor wanted = x.to_type(ScalarType.Float32).mm(dense.t());
        Tensor made = y.narrow(1, Offset, Rows).to_type(ScalarType.Float32);
        Assert.InRange((made - wanted).abs().max().item<float>() / wanted.abs().max().item<float>(), 0, bf16 ? 4e-3f : 1e-6f);
        Assert.Equal(0, y.narrow(1, 0, Offset).abs().max().to_type(ScalarType.Float32).item<float>());
    }

    [Fact]
    public void Forward_TokensTogetherOrAlone_GiveTheSameBits()
    {
        using var scope = NewDisposeScope();
        Nf4Matrix matrix = Matrix(doubleQuantization: true);
        Tensor x = Inputs(6), together = zeros([6, Rows]), alone = zeros([6, Rows]);
        Assert.SkipUnless(Nf4ProductKernel.Fits(x, Width), "the processor has no 512-bit registers");
        Nf4ProductKernel.Forward(x, matrix, together, 0);
        for (int token = 0; token < 6; token++) Nf4ProductKernel.Forward(x.narrow(0, token, 1), matrix, alone.narrow(0, token, 1), 0);
        Assert.True(together.bytes.SequenceEqual(alone.bytes));
    }

    private static Nf4Matrix Matrix(bool doubleQuantization) =>
        Nf4Matrix.Quantize(new CounterRandom(1, 1).Uniform(Rows * Width, -1, 1), doubleQuantization);

    private static Tensor Inputs(int tokens) => tensor(new CounterRandom(2, 2).Uniform(tokens * Width, -1, 1)).view(tokens, Width);
}
