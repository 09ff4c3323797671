using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Kernels.References;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Kernels;

public sealed class EmbeddingKernelTests
{
    private const int Rows = 600, Entries = 50;

    private static Tensor Indices => tensor(Enumerable.Range(0, Rows).Select(i => (long)(i * 11 % Entries)).ToArray());

    public static TheoryData<string, bool, int> Cases => KernelPaths.Cases;

    [Theory, MemberData(nameof(Cases))]
    public void Gather_EveryPath_EqualsReference(string path, bool bf16, int width)
    {
        using var on = new KernelPaths(path);
        Tensor table = KernelPaths.Draw(1, KernelPaths.Dtype(bf16), Entries, width), output = empty([Rows, width], dtype: table.dtype);
        var made = new Guarded(output);
        EmbeddingReference.Gather(table, Indices, output);
        EmbeddingKernel.Gather(table, Indices, made.Values);
        made.EqualTo(output);
    }

    public static TheoryData<string, bool, int, bool> Sums =>
        new MatrixTheoryData<string, bool, int, bool>(KernelPaths.All, [false, true], [.. KernelPaths.Columns, 130], [false, true]);

    [Theory, MemberData(nameof(Sums))]
    public void ScatterAdd_EveryPath_EqualsReference(string path, bool bf16, int width, bool wide)
    {
        using var on = new KernelPaths(path);
        Tensor rows = KernelPaths.Draw(1, KernelPaths.Dtype(bf16), Rows, width), into = KernelPaths.Draw(2, KernelPaths.Dtype(bf16 && !wide), Entries, width);
        var made = new Guarded(into);
        EmbeddingReference.ScatterAdd(rows, Indices, into);
        EmbeddingKernel.ScatterAdd(rows, Indices, made.Values);
        made.EqualTo(into);
    }
}
