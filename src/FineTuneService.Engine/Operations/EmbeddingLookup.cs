using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Operations;

/// <summary>Row ids[i] of an embedding table for token i.</summary>
internal static class EmbeddingLookup
{
    /// <param name="table">[vocabulary, hidden] in the compute dtype.</param>
    /// <param name="ids">int64 [tokens].</param>
    /// <param name="adapted">The table is the input embeddings', which adapters may change.</param>
    /// <returns>[tokens, hidden].</returns>
    public static Activation Forward(Tensor table, Tensor ids, Pass pass, bool adapted = false)
    {
        Tensor output = pass.Pool.Lend(table.dtype, ids.shape[0], table.shape[1]);
        EmbeddingKernel.Gather(table, ids, output);
        EmbeddingBranch[] branches = adapted ? [.. pass.Adapters.Select(rows => EmbeddingBranch.Forward(output, ids, rows, pass)).OfType<EmbeddingBranch>()] : [];
        Tensor? gradient = pass.Gradients?.Of(table);
        bool trains = pass.Tape is not null && (gradient is not null || branches.Any(branch => branch.Trains));
        var embedded = new Activation(output, needsGrad: trains, pass.Pool);
        if (trains) pass.Tape!.Record(() => Backward(embedded, ids, gradient, branches, pass));
        return embedded;
    }

    private static void Backward(Activation embedded, Tensor ids, Tensor? gradient, EmbeddingBranch[] branches, Pass pass)
    {
        if (gradient is not null) EmbeddingKernel.ScatterAdd(embedded.Grad!, ids, gradient);
        foreach (EmbeddingBranch branch in branches) branch.Backward(embedded.Grad!, pass);
    }
}
