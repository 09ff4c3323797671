using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Kernels.References;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Kernels;

public sealed class RmsNormKernelTests
{
    // Enough for several chunks at the widest row.
    private const int Rows = 600;
    private const float Epsilon = 1e-5f;

    public static TheoryData<string, bool, int> Cases => KernelPaths.Cases;

    [Theory, MemberData(nameof(Cases))]
    public void Forward_EveryPath_EqualsReference(string path, bool bf16, int width)
    {
        using var on = new KernelPaths(path);
        ScalarType dtype = KernelPaths.Dtype(bf16);
        Tensor x = KernelPaths.Draw(1, dtype, Rows, width), weight = KernelPaths.Draw(2, dtype, width);
        Tensor y = empty_like(x), rstd = empty(Rows), madeRstd = empty(Rows);
        var made = new Guarded(y);
        RmsNormReference.Forward(x, weight, Epsilon, y, rstd);
        RmsNormKernel.Forward(x, weight, Epsilon, made.Values, madeRstd);
        made.EqualTo(y);
        KernelPaths.Equal(rstd, madeRstd);
    }

    [Theory, MemberData(nameof(Cases))]
    public void ResidualForward_EveryPath_EqualsReference(string path, bool bf16, int width)
    {
        using var on = new KernelPaths(path);
        ScalarType dtype = KernelPaths.Dtype(bf16);
        Tensor x = KernelPaths.Draw(1, dtype, Rows, width), residual = KernelPaths.Draw(2, dtype, Rows, width), weight = KernelPaths.Draw(3, dtype, width);
        Tensor y = empty_like(x), sum = empty_like(x), rstd = empty(Rows), madeRstd = empty(Rows);
        Guarded made = new(y), madeSum = new(sum);
        RmsNormReference.ResidualForward(x, residual, weight, Epsilon, sum, y, rstd);
        RmsNormKernel.ResidualForward(x, residual, weight, Epsilon, madeSum.Values, made.Values, madeRstd);
        madeSum.EqualTo(sum);
        made.EqualTo(y);
        KernelPaths.Equal(rstd, madeRstd);
    }

    public static TheoryData<string, bool, int, bool> Backwards =>
        new MatrixTheoryData<string, bool, int, bool>(KernelPaths.All, [false, true], KernelPaths.Columns, [false, true]);

    [Theory, MemberData(nameof(Backwards))]
    public void Backward_EveryPath_EqualsReference(string path, bool bf16, int width, bool accumulate)
    {
        using var on = new KernelPaths(path);
        ScalarType dtype = KernelPaths.Dtype(bf16);
        Tensor dy = KernelPaths.Draw(1, dtype, Rows, width), x = KernelPaths.Draw(2, dtype, Rows, width), weight = KernelPaths.Draw(3, dtype, width);
        Tensor rstd = empty(Rows), dx = KernelPaths.Draw(4, dtype, Rows, width), dWeight = zeros(width), madeDWeight = zeros(width);
        RmsNormReference.Forward(x, weight, Epsilon, empty_like(x), rstd);
        var made = new Guarded(dx);
        RmsNormReference.Backward(dy, x, weight, rstd, dx, accumulate, dWeight);
        RmsNormKernel.Backward(dy, x, weight, rstd, made.Values, accumulate, madeDWeight);
        made.EqualTo(dx);
        KernelPaths.Equal(dWeight, madeDWeight);
    }
}
