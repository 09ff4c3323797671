using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Kernels.References;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Kernels;

public sealed class CrossEntropyKernelTests
{
    private const int Rows = 600;

    public static TheoryData<string, bool, int, bool> Cases =>
        new MatrixTheoryData<string, bool, int, bool>(KernelPaths.All, [false, true], KernelPaths.Columns, [false, true]);

    [Theory, MemberData(nameof(Cases))]
    public void ForwardBackward_EveryPath_EqualsReference(string path, bool bf16, int vocabulary, bool weighted)
    {
        using var on = new KernelPaths(path);
        Tensor logits = KernelPaths.Draw(1, KernelPaths.Dtype(bf16), Rows, vocabulary) * 8;
        Tensor labels = tensor(Enumerable.Range(0, Rows).Select(i => (long)(i * 5 % vocabulary)).ToArray());
        Tensor? weights = weighted ? KernelPaths.Draw(2, ScalarType.Float32, Rows) : null;
        Tensor losses = empty(Rows), madeLosses = empty(Rows);
        var made = new Guarded(logits);
        CrossEntropyReference.ForwardBackward(logits, labels, losses, 0.25f, weights);
        CrossEntropyKernel.ForwardBackward(made.Values, labels, madeLosses, 0.25f, weights);
        made.EqualTo(logits);
        KernelPaths.Equal(losses, madeLosses);
    }
}
