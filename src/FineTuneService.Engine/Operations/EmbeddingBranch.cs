using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Lora;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Operations;

/// <summary>
/// What an adapter does to the embeddings of its rows: a table of its own, rows of its own for some tokens, or low-rank matrices, with
/// which token i's becomes W[i] + scaling · B·A[:, i].
/// </summary>
internal sealed class EmbeddingBranch
{
    private readonly LoraTensors _lora;
    private readonly LoraTensors? _gradient;
    private readonly AdapterRows _rows;
    private readonly Tensor _ids;

    /// <summary>Of tokens with rows of their own: their places among the branch's tokens, and which row each has.</summary>
    private readonly (Tensor Places, Tensor Rows)? _own;

    private EmbeddingBranch(LoraTensors lora, LoraTensors? gradient, AdapterRows rows, Tensor ids)
    {
        (_lora, _gradient, _rows, _ids) = (lora, gradient, rows, ids);
        if (lora.Tokens is not { } tokens) return;
        (Tensor places, Tensor own) = Own(ids, tokens.Ids);
        _own = (places.MoveToOuterDisposeScope(), own.MoveToOuterDisposeScope()); // The backward reads them, after the forward's scope.
    }

    public bool Trains => _gradient is not null;

    /// <summary>Changes the embeddings, or returns null where the adapter has nothing on them.</summary>
    /// <param name="embedded">[tokens, width].</param>
    /// <param name="ids">int64 [tokens]; it and what is made here live as long as the step's scope.</param>
    public static EmbeddingBranch? Forward(Tensor embedded, Tensor ids, AdapterRows rows, Pass pass)
    {
        LoraTensors lora = rows.Adapter.Compute(embedded.dtype);
        if (!lora.HasEmbedding) return null;
        LoraTensors? gradient = pass.Tape is null ? null : pass.Gradients?.Lora;
        var branch = new EmbeddingBranch(lora, gradient, rows, Rows(ids, rows));
        branch.Forward(Rows(embedded, rows));
        return branch;
    }

    public void Backward(Tensor gradient, Pass pass)
    {
        if (_gradient is null) return;
        using var scope = NewDisposeScope();
        Tensor dy = Rows(gradient, _rows);
        if (_gradient.Table is not null) EmbeddingKernel.ScatterAdd(dy.contiguous(), _ids, _gradient.Table);
        if (_own is var (places, rows)) _gradient.Tokens!.Rows.index_add_(0, rows, dy.index_select(0, places).to_type(_gradient.Flat.dtype), 1);
        if (_lora.Embedding is not { } low) return;
        Tensor inner = low.A.index_select(1, _ids); // [rank, tokens]
        Gradients.AddProduct(_gradient.Embedding!.B, dy.t(), inner.t(), low.Place.Scaling, pass.Pool);
        Tensor dInner = dy.matmul(low.B).t().mul(low.Place.Scaling).to_type(_gradient.Flat.dtype);
        _gradient.Embedding.A.index_add_(1, _ids, dInner, 1);
    }

    private void Forward(Tensor embedded)
    {
        using var scope = NewDisposeScope();
        if (_lora.Table is not null) EmbeddingKernel.Gather(_lora.Table, _ids, embedded);
        if (_own is var (places, rows)) embedded.index_copy_(0, places, _lora.Tokens!.Rows.index_select(0, rows));
        if (_lora.Embedding is { } low) embedded.addmm_(low.A.index_select(1, _ids).t(), low.B.t(), beta: 1, alpha: (float)low.Place.Scaling);
    }

    private static (Tensor, Tensor) Own(Tensor ids, Tensor tokens)
    {
        using var scope = NewDisposeScope();
        Tensor found = ids.unsqueeze(1).eq(tokens.unsqueeze(0)).nonzero();
        return (found.select(1, 0).contiguous().MoveToOuterDisposeScope(), found.select(1, 1).contiguous().MoveToOuterDisposeScope());
    }

    private static Tensor Rows(Tensor tokens, AdapterRows rows) =>
        rows.Count == tokens.shape[0] ? tokens : tokens.narrow(0, rows.Start, rows.Count);
}
