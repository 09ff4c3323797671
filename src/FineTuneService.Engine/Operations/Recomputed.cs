using FineTuneService.Engine.Compute;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Operations;

/// <summary>
/// A block of the decoder that keeps its input alone (gradient checkpointing, https://arxiv.org/abs/1604.06174): the backward runs its forward
/// again, on a tape of its own, and then that tape. The operations and their order are the same, and so are all bits.
/// </summary>
internal static class Recomputed
{
    /// <param name="block">Takes the stream through the block; called again in the backward with another stream and pass.</param>
    public static void Forward(ResidualStream stream, Action<ResidualStream, Pass> block, Pass pass)
    {
        (Activation before, Activation? branchBefore) = (stream.Current, stream.Pending);
        var forward = new ResidualStream(Borrowed(before, needsGrad: false, pass), pass.On(null), branchBefore is null ? null : Borrowed(branchBefore, needsGrad: false, pass));
        block(forward, pass.On(null));
        Activation after = Again(forward.Current, pass);
        Activation? branchAfter = forward.Pending is null ? null : Again(forward.Pending, pass);
        stream.GoOn(after, branchAfter);
        pass.Tape!.Record(() => Backward(before, branchBefore, block, after, branchAfter, pass));
    }

    private static void Backward(
        Activation before, Activation? branchBefore, Action<ResidualStream, Pass> block, Activation after, Activation? branchAfter, Pass pass)
    {
        using var scope = NewDisposeScope();
        var tape = new Tape();
        Activation start = Borrowed(before, before.NeedsGrad, pass);
        Activation? branchStart = branchBefore is null ? null : Borrowed(branchBefore, branchBefore.NeedsGrad, pass);
        var stream = new ResidualStream(start, pass.On(tape), branchStart);
        block(stream, pass.On(tape));
        after.HandGradient(stream.Current);
        branchAfter?.HandGradient(stream.Pending!);
        stream.Current.Done();
        stream.Pending?.Done();
        tape.Backward();
        start.HandGradient(before);
        branchStart?.HandGradient(branchBefore!);
        before.Done();
        branchBefore?.Done();
    }

    /// <summary>The same value, whose buffer stays the other's: one reader of it never is done.</summary>
    private static Activation Borrowed(Activation of, bool needsGrad, Pass pass) => new Activation(of.Value, needsGrad, pass.Pool).AlsoRead();

    /// <summary>A value that was made without a tape, as one that the backward comes to.</summary>
    private static Activation Again(Activation made, Pass pass) => new(made.Value, needsGrad: true, pass.Pool);
}
