using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Kernels.References;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Kernels;

public sealed class RmsNormKernelTests
{
    // Enough for several chunks at the widest row.
    private const int Rows = 600;
    private const float Epsilon = 1e-5f;

    private static readonly NormKind[] Kinds = [NormKind.Rms, NormKind.RmsRoundedLast, NormKind.RmsOnePlus];

    public static TheoryData<string, bool, int, NormKind> Cases =>
        new MatrixTheoryData<string, bool, int, NormKind>(KernelPaths.All, [false, true], KernelPaths.Columns, Kinds);

    [Theory, MemberData(nameof(Cases))]
    public void Forward_EveryPath_EqualsReference(string path, bool bf16, int width, NormKind kind)
    {
        using var on = new KernelPaths(path);
        ScalarType dtype = KernelPaths.Dtype(bf16);
        Tensor x = KernelPaths.Draw(1, dtype, Rows, width), weight = KernelPaths.Draw(2, dtype, width);
        Tensor y = empty_like(x), rstd = empty(Rows), madeRstd = empty(Rows);
        var made = new Guarded(y);
        RmsNormReference.Forward(x, weight, Epsilon, y, rstd, kind);
        RmsNormKernel.Forward(x, weight, Epsilon, made.Values, madeRstd, kind);
        made.EqualTo(y);
        KernelPaths.Equal(rstd, madeRstd);
    }

    [Theory, MemberData(nameof(Cases))]
    public void ResidualForward_EveryPath_EqualsReference(string path, bool bf16, int width, NormKind kind)
    {
        using var on = new KernelPaths(path);
        ScalarType dtype = KernelPaths.Dtype(bf16);
        Tensor x = KernelPaths.Draw(1, dtype, Rows, width), residual = KernelPaths.Draw(2, dtype, Rows, width), weight = KernelPaths.Draw(3, dtype, width);
        Tensor y = empty_like(x), sum = empty_like(x), rstd = empty(Rows), madeRstd = empty(Rows);
        Guarded made = new(y), madeSum = new(sum);
        RmsNormReference.ResidualForward(x, residual, weight, Epsilon, sum, y, rstd, kind);
        RmsNormKernel.ResidualForward(x, residual, weight, Epsilon, madeSum.Values, made.Values, madeRstd, kind);
        madeSum.EqualTo(sum);
        made.EqualTo(y);
        KernelPaths.Equal(rstd, madeRstd);
    }

    public static TheoryData<string, bool, int, bool, NormKind> Backwards =>
        new MatrixTheoryData<string, bool, int, bool, NormKind>(KernelPaths.All, [false, true], KernelPaths.Columns, [false, true], Kinds);

    [Theory, MemberData(nameof(Backwards))]
    public void Backward_EveryPath_EqualsReference(string path, bool bf16, int width, bool accumulate, NormKind kind)
    {
        using var on = new KernelPaths(path);
        ScalarType dtype = KernelPaths.Dtype(bf16);
        Tensor dy = KernelPaths.Draw(1, dtype, Rows, width), x = KernelPaths.Draw(2, dtype, Rows, width), weight = KernelPaths.Draw(3, dtype, width);
        Tensor rstd = empty(Rows), dx = KernelPaths.Draw(4, dtype, Rows, width), dWeight = zeros(width), madeDWeight = zeros(width);
        RmsNormReference.Forward(x, weight, Epsilon, empty_like(x), rstd, kind);
        var made = new Guarded(dx);
        RmsNormReference.Backward(dy, x, weight, rstd, dx, accumulate, dWeight, kind);
        RmsNormKernel.Backward(dy, x, weight, rstd, made.Values, accumulate, madeDWeight, kind);
        made.EqualTo(dx);
        KernelPaths.Equal(dWeight, madeDWeight);
    }

    public static TheoryData<string, bool, int, bool, bool> Heads =>
        new MatrixTheoryData<string, bool, int, bool, bool>(KernelPaths.All, [false, true], KernelPaths.Columns, [false, true], [false, true]);

    /// <summary>Three heads of wider rows, by one weight or each its own.</summary>
    [Theory, MemberData(nameof(Heads))]
    public void ForwardAndBackward_HeadsWithinWiderRows_EqualReference(string path, bool bf16, int width, bool own, bool accumulate)
    {
        using var on = new KernelPaths(path);
        ScalarType dtype = KernelPaths.Dtype(bf16);
        const int tokens = 40, heads = 3;
        Tensor Draw(ulong stream) => KernelPaths.Draw(stream, dtype, tokens, 5 * width);
        Tensor Middle(Tensor rows) => rows.narrow(1, width, heads * width);
        Tensor weight = own ? KernelPaths.Draw(3, dtype, heads, width) : KernelPaths.Draw(3, dtype, width);
        (Tensor dy, Tensor x, Tensor y, Tensor dx, Tensor rstd, Tensor dWeight) = (Draw(1), Draw(2), Draw(4), Draw(5), empty(tokens * heads), zeros(weight.shape));
        (Tensor madeY, Tensor madeDx, Tensor madeRstd, Tensor madeDWeight) = (y.clone(), dx.clone(), empty(tokens * heads), zeros(weight.shape));
        RmsNormReference.Forward(Middle(x), weight, Epsilon, Middle(y), rstd, NormKind.Rms);
        RmsNormKernel.Forward(Middle(x), weight, Epsilon, Middle(madeY), madeRstd, NormKind.Rms);
        RmsNormReference.Backward(Middle(dy), Middle(x), weight, rstd, Middle(dx), accumulate, dWeight, NormKind.Rms);
        RmsNormKernel.Backward(Middle(dy), Middle(x), weight, rstd, Middle(madeDx), accumulate, madeDWeight, NormKind.Rms);
        foreach ((Tensor reference, Tensor made) in new[] { (y, madeY), (rstd, madeRstd), (dx, madeDx), (dWeight, madeDWeight) }) KernelPaths.Equal(reference, made);
    }
}
