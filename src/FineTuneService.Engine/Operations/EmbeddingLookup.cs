using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Quantization;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Operations;

/// <summary>Row ids[i] of an embedding table for token i.</summary>
internal static class EmbeddingLookup
{
    /// <summary>Of the input embeddings, which adapters may change.</summary>
    /// <param name="table">[vocabulary, hidden].</param>
    /// <param name="ids">int64 [tokens].</param>
    /// <returns>[tokens, hidden].</returns>
    public static Activation Forward(WeightMatrix table, Tensor ids, Pass pass)
    {
        Tensor output = pass.Pool.Lend(table.Dtype, ids.shape[0], table.Columns);
        table.Gather(ids, output);
        EmbeddingBranch[] branches = [.. pass.Adapters.Select(rows => EmbeddingBranch.Forward(output, ids, rows, pass)).OfType<EmbeddingBranch>()];
        return Embedded(output, table.Stored, ids, branches, pass);
    }

    /// <param name="table">[entries, hidden] in the compute dtype.</param>
    /// <param name="ids">int64 [tokens].</param>
    /// <returns>[tokens, hidden].</returns>
    public static Activation Forward(Tensor table, Tensor ids, Pass pass)
    {
        Tensor output = pass.Pool.Lend(table.dtype, ids.shape[0], table.shape[1]);
        EmbeddingKernel.Gather(table, ids, output);
        return Embedded(output, table, ids, [], pass);
    }

    private static Activation Embedded(Tensor output, Tensor? table, Tensor ids, EmbeddingBranch[] branches, Pass pass)
    {
        Tensor? gradient = table is null ? null : pass.Gradients?.Of(table);
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
