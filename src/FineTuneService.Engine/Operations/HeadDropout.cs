using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Operations;

/// <summary>
/// Dropout on the head's low-rank branch. The head sees a few labelled tokens at a time, yet what is dropped is decided for all tokens of
/// a micro batch, as on every other layer: so it is applied to all hidden states once, and each chunk gathers its rows from the result.
/// </summary>
internal sealed class HeadDropout
{
    private readonly Dropout _dropout;
    private readonly string _module;
    private readonly BufferPool _pool;
    private readonly Tensor _dropped;
    private readonly Tensor? _gradient;

    private HeadDropout(Dropout dropout, string module, Activation hidden, BufferPool pool)
    {
        (_dropout, _module, _pool) = (dropout, module, pool);
        _dropped = pool.Lend(hidden.Dtype, hidden.Shape);
        dropout(module, hidden.Value, _dropped);
        _gradient = hidden.NeedsGrad ? pool.LendZeros(hidden.Dtype, hidden.Shape) : null;
    }

    /// <summary>Null where nothing is dropped, or no adapter is on the head.</summary>
    public static HeadDropout? Of(LinearWeight head, Activation hidden, Pass pass)
    {
        if (pass.Dropout is null || pass.Adapters.Count == 0) return null;
        return pass.Adapters[0].Adapter.Values.Of(head) is not { Parts.Count: > 0 } ? null : new HeadDropout(pass.Dropout, head.Parts[0].Module, hidden, pass.Pool);
    }

    /// <summary>These tokens' hidden states after dropout; the pool's.</summary>
    public Tensor Gather(Tensor tokens)
    {
        Tensor rows = _pool.Lend(_dropped.dtype, tokens.shape[0], _dropped.shape[1]);
        EmbeddingKernel.Gather(_dropped, tokens, rows);
        return rows;
    }

    /// <summary>The gradients of A and B, and those by the dropped hidden states of these tokens.</summary>
    /// <param name="x">What <see cref="Gather"/> gave.</param>
    public void Backward(LoraBranch branch, Tensor x, Tensor dLogits, Tensor tokens, Pass pass)
    {
        Tensor? dx = _gradient is null ? null : _pool.LendZeros(x.dtype, x.shape);
        branch.Backward(x, dLogits, dLogits, dx, pass);
        if (dx is not null) EmbeddingKernel.ScatterAdd(dx, tokens, _gradient!);
        _pool.Return(dx);
    }

    /// <summary>Adds the branch's share to the gradient by the hidden states, through the same dropout.</summary>
    public void End(Tensor? dHidden)
    {
        if (_gradient is not null && dHidden is not null)
        {
            _dropout(_module, _gradient, _gradient);
            dHidden.add_(_gradient);
        }
        _pool.Return(_gradient);
        _pool.Return(_dropped);
    }
}
