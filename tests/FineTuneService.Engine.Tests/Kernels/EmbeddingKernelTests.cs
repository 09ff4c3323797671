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
        // Row by row, as the kernel promises. libtorch's index_add_ of bf16 rounds once for each entry instead of once for each row.
        for (int i = 0; i < Rows; i++) into.select(0, i * 11 % Entries).add_(rows.select(0, i));
        EmbeddingKernel.ScatterAdd(rows, Indices, made.Values);
        made.EqualTo(into);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void ScatterAddReference_SumsInFp32_EqualSumsRowByRow(bool bf16)
    {
        using var scope = NewDisposeScope();
        Tensor rows = KernelPaths.Draw(1, KernelPaths.Dtype(bf16), Rows, 65), into = KernelPaths.Draw(2, ScalarType.Float32, Entries, 65), made = into.clone();
        for (int i = 0; i < Rows; i++) into.select(0, i * 11 % Entries).add_(rows.select(0, i));
        EmbeddingReference.ScatterAdd(rows, Indices, made);
        KernelPaths.Equal(into, made);
    }
}
