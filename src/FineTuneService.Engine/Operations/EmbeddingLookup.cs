using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Operations;

/// <summary>Row ids[i] of an embedding table for token i.</summary>
internal static class EmbeddingLookup
{
    /// <param name="table">[vocabulary, hidden] in the compute dtype.</param>
    /// <param name="ids">int64 [tokens].</param>
    /// <returns>[tokens, hidden].</returns>
    public static Activation Forward(Tensor table, Tensor ids, Pass pass)
    {
        Tensor output = pass.Pool.Lend(table.dtype, ids.shape[0], table.shape[1]);
        EmbeddingKernel.Gather(table, ids, output);
        Tensor? gradient = pass.Gradients?.Of(table);
        var embedded = new Activation(output, needsGrad: pass.Tape is not null && gradient is not null, pass.Pool);
        if (embedded.NeedsGrad) pass.Tape!.Record(() => EmbeddingKernel.ScatterAdd(embedded.Grad!, ids, gradient!));
        return embedded;
    }
}
