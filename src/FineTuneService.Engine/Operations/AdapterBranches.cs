using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Operations;

/// <summary>Everything that a pass's adapters do to one linear layer.</summary>
internal sealed class AdapterBranches
{
    private readonly List<AdapterBranch> _branches = [];

    /// <summary>Whether the backward computes gradients of what is an adapter's.</summary>
    public bool Train => _branches.Exists(branch => branch.Trains);

    /// <summary>Changes y by what an adapter has on this layer.</summary>
    /// <param name="x">[tokens, in].</param>
    /// <param name="branchX">The low-rank branch's input: x, or what dropout has left of it.</param>
    /// <param name="y">[tokens, out]: the base's product.</param>
    public void Forward(Tensor x, Tensor branchX, Tensor y, LinearWeight weight, AdapterRows rows, Pass pass)
    {
        if (rows.Adapter.Compute(x.dtype).Of(weight) is not { } lora) return;
        JoinedLora? gradient = pass.Tape is null ? null : pass.Gradients?.Of(weight);
        bool replaced = lora.Replaced.Count > 0;
        if (replaced && lora.Replaced.Any(part => part.Weight is not null)) _branches.Add(ReplacedBranch.Forward(x, y, weight, lora, gradient, rows, pass));
        if (lora.Parts.Count > 0) _branches.Add(LoraBranch.Forward(branchX, y, lora, gradient, rows, pass));
        if (rows.Adapter.ComputeRemoved(x.dtype)?.Of(weight) is { } removed) _branches.Add(LoraBranch.Forward(x, y, removed, null, rows, pass, removed: true));
        if (lora.Parts.Count > 0 && lora.Parts[0].Magnitude is not null) _branches.Add(DoraBranch.Forward(y, weight, lora, gradient, rows, pass));
        if (replaced && lora.Replaced.Any(part => part.Bias is not null)) _branches.Add(BiasBranch.Forward(y, weight, lora, gradient, rows));
        if (lora.Tokens is not null) _branches.Add(TokenBranch.Forward(x, y, weight, lora.Tokens, gradient?.Tokens, rows, pass));
    }

    /// <summary>dx = beta · dx + what the base and the branches ask for, and the gradients of what trains.</summary>
    /// <param name="dropped">Does the low-rank branch's backward where its input was dropped apart; null: as the others'.</param>
    public void Backward(Tensor x, Tensor dy, Tensor? dx, float beta, LinearWeight weight, Pass pass, Action<LoraBranch, Tensor>? dropped = null)
    {
        Tensor dBase = dy;
        if (_branches.Exists(branch => branch.ChangesBase))
        {
            dBase = pass.Pool.Lend(dy.dtype, dy.shape);
            dBase.copy_(dy);
            for (int i = _branches.Count - 1; i >= 0; i--) _branches[i].ToBase(dBase);
        }
        Linear.MultiplyBackward(dBase, x, dx, beta, weight, pass);
        foreach (AdapterBranch branch in _branches)
        {
            if (dropped is not null && branch is LoraBranch { IsDropped: true } lora) dropped(lora, dBase);
            else branch.Backward(x, dy, dBase, dx, pass);
        }
        if (!ReferenceEquals(dBase, dy)) pass.Pool.Return(dBase);
    }

    public void Release(BufferPool pool) => _branches.ForEach(branch => branch.Release(pool));
}
