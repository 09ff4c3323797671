using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Kernels.References;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Kernels;

public sealed class CausalSoftmaxKernelTests
{
    private const int Heads = 40, MostQueries = 15;

    // As bf16 holds it: libtorch 1.13 rounds a factor to its tensor's dtype, the kernel does not.
    private const float Scale = 1.75f;

    /// <summary>Columns are keys; the last says whether there are keys before the first query.</summary>
    public static TheoryData<string, bool, int, bool> Cases =>
        new MatrixTheoryData<string, bool, int, bool>(KernelPaths.All, [false, true], KernelPaths.Columns, [false, true]);

    [Theory, MemberData(nameof(Cases))]
    public void Forward_EveryPath_EqualsReference(string path, bool bf16, int keys, bool later)
    {
        using var on = new KernelPaths(path);
        (int queries, int offset) = Shape(keys, later);
        Tensor scores = KernelPaths.Draw(1, KernelPaths.Dtype(bf16), Heads * queries, keys);
        var made = new Guarded(scores);
        CausalSoftmaxReference.Forward(scores, queries, offset, Scale);
        CausalSoftmaxKernel.Forward(made.Values, queries, offset, Scale);
        made.EqualTo(scores);
    }

    [Theory, MemberData(nameof(Cases))]
    public void Backward_EveryPath_EqualsReference(string path, bool bf16, int keys, bool later)
    {
        using var on = new KernelPaths(path);
        (int queries, int offset) = Shape(keys, later);
        ScalarType dtype = KernelPaths.Dtype(bf16);
        Tensor scores = KernelPaths.Draw(1, dtype, Heads * queries, keys), dProbabilities = KernelPaths.Draw(2, dtype, Heads * queries, keys);
        Guarded made = new(scores), gradient = new(dProbabilities);
        CausalSoftmaxReference.Backward(scores, dProbabilities, queries, offset, Scale);
        CausalSoftmaxKernel.Backward(made.Values, gradient.Values, queries, offset, Scale);
        made.EqualTo(scores);
        gradient.EqualTo(dProbabilities);
    }

    private static (int Queries, int Offset) Shape(int keys, bool later)
    {
        int queries = Math.Min(MostQueries, keys);
        return (queries, later ? keys - queries : 0);
    }
}
