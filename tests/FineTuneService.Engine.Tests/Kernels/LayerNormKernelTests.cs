using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Kernels.References;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Kernels;

public sealed class LayerNormKernelTests
{
    private const int Rows = 600;
    private const float Epsilon = 1e-5f;

    public static TheoryData<string, bool, int, bool> Cases =>
        new MatrixTheoryData<string, bool, int, bool>(KernelPaths.All, [false, true], KernelPaths.Columns, [false, true]);

    [Theory, MemberData(nameof(Cases))]
    public void Forward_EveryPath_EqualsReference(string path, bool bf16, int width, bool biased)
    {
        using var on = new KernelPaths(path);
        ScalarType dtype = KernelPaths.Dtype(bf16);
        Tensor x = KernelPaths.Draw(1, dtype, Rows, width), weight = KernelPaths.Draw(2, dtype, width);
        Tensor? bias = biased ? KernelPaths.Draw(3, dtype, width) : null;
        Tensor y = empty_like(x), statistics = empty(Rows, 2), madeStatistics = empty(Rows, 2);
        var made = new Guarded(y);
        LayerNormReference.Forward(x, weight, bias, Epsilon, y, statistics);
        LayerNormKernel.Forward(x, weight, bias, Epsilon, made.Values, madeStatistics);
        made.EqualTo(y);
    }

    [Theory, MemberData(nameof(Cases))]
    public void Backward_EveryPath_EqualsReference(string path, bool bf16, int width, bool accumulate)
    {
        using var on = new KernelPaths(path);
        ScalarType dtype = KernelPaths.Dtype(bf16);
        Tensor dy = KernelPaths.Draw(1, dtype, Rows, width), x = KernelPaths.Draw(2, dtype, Rows, width), weight = KernelPaths.Draw(3, dtype, width);
        Tensor statistics = empty(Rows, 2), dx = KernelPaths.Draw(4, dtype, Rows, width);
        LayerNormReference.Forward(x, weight, null, Epsilon, empty_like(x), statistics);
        var made = new Guarded(dx);
        LayerNormReference.Backward(dy, x, weight, statistics, dx, accumulate);
        LayerNormKernel.Backward(dy, x, weight, statistics, made.Values, accumulate, null, null);
        made.EqualTo(dx);
    }

    /// <summary>Three heads of wider rows, by one weight or each its own.</summary>
    [Theory, MemberData(nameof(Cases))]
    public void ForwardAndBackward_HeadsWithinWiderRows_EqualReference(string path, bool bf16, int width, bool own)
    {
        using var on = new KernelPaths(path);
        ScalarType dtype = KernelPaths.Dtype(bf16);
        const int tokens = 40, heads = 3;
        Tensor Draw(ulong stream) => KernelPaths.Draw(stream, dtype, tokens, 5 * width);
        Tensor Middle(Tensor rows) => rows.narrow(1, width, heads * width);
        Tensor weight = own ? KernelPaths.Draw(3, dtype, heads, width) : KernelPaths.Draw(3, dtype, width), bias = KernelPaths.Draw(6, dtype, weight.shape);
        (Tensor dy, Tensor x, Tensor y, Tensor dx, Tensor statistics) = (Draw(1), Draw(2), Draw(4), Draw(5), empty(tokens * heads, 2));
        (Tensor madeY, Tensor madeDx, Tensor madeStatistics) = (y.clone(), dx.clone(), empty(tokens * heads, 2));
        LayerNormReference.Forward(Middle(x), weight, bias, Epsilon, Middle(y), statistics);
        LayerNormKernel.Forward(Middle(x), weight, bias, Epsilon, Middle(madeY), madeStatistics);
        LayerNormReference.Backward(Middle(dy), Middle(x), weight, statistics, Middle(dx), own);
        LayerNormKernel.Backward(Middle(dy), Middle(x), weight, statistics, Middle(madeDx), own, null, null);
        foreach ((Tensor reference, Tensor made) in new[] { (y, madeY), (statistics, madeStatistics), (dx, madeDx) }) KernelPaths.Equal(reference, made);
    }
}
