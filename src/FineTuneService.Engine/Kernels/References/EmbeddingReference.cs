using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels.References;

/// <summary>What <see cref="EmbeddingKernel"/> computes, in torch's operators; on devices other than the CPU it is what runs.</summary>
internal static class EmbeddingReference
{
    public static void Gather(Tensor table, Tensor indices, Tensor output)
    {
        using var scope = NewDisposeScope();
        output.copy_(table.index_select(0, indices));
    }

    public static void ScatterAdd(Tensor rows, Tensor indices, Tensor into)
    {
        using var scope = NewDisposeScope();
        into.index_add_(0, indices, rows.to_type(into.dtype), 1);
    }
}
