using FineTuneService.Engine.Kernels;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Kernels;

public sealed class HalfProductKernelTests
{
    private const int Rows = 203;

    public static TheoryData<string, bool, int> Cases => new MatrixTheoryData<string, bool, int>(KernelPaths.All, [false, true], [1, 7, 63, 64, 65, 172]);

    [Theory, MemberData(nameof(Cases))]
    public void Forward_EveryPath_EqualsProductInFp32(string path, bool bf16, int width)
    {
        using var on = new KernelPaths(path);
        // Small numbers too, of which fp16 has fewer digits.
        Tensor weight = (KernelPaths.Draw(2, ScalarType.Float32, Rows, width) * logspace(-7, 4, Rows).unsqueeze(1)).to_type(ScalarType.Float16);
        Tensor all = KernelPaths.Draw(1, KernelPaths.Dtype(bf16), 16, width);
        foreach (int tokens in new[] { 1, 4, 7, 16 })
        {
            Tensor x = all.narrow(0, 0, tokens);
            var y = new Guarded(zeros([tokens, Rows], x.dtype));
            Assert.True(HalfProductKernel.Fits(x));
            HalfProductKernel.Forward(x, weight, y.Values);
            y.EqualTo(x.to_type(ScalarType.Float32).mm(weight.to_type(ScalarType.Float32).t()));
        }
        Company.Check(16, all, Rows, (x, y) => HalfProductKernel.Forward(x, weight, y));
    }
}
