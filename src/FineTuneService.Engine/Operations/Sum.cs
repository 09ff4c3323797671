using FineTuneService.Engine.Compute;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Operations;

/// <summary>stream + addend, as a value of its own: what the stream was before may still be read by a norm's backward.</summary>
internal static class Sum
{
    public static Activation Forward(Activation stream, Activation addend, Pass pass)
    {
        Tensor sum = pass.Pool.Lend(stream.Dtype, stream.Shape);
        sum.copy_(stream.Value);
        sum.add_(addend.Value);
        return Of(sum, stream, addend, pass);
    }

    /// <summary>The same where the sum has been made: both are read here for the last time.</summary>
    public static Activation Of(Tensor sum, Activation stream, Activation addend, Pass pass)
    {
        var total = new Activation(sum, stream.NeedsGrad || addend.NeedsGrad, pass.Pool);
        addend.Done();
        stream.Done();
        if (total.NeedsGrad)
        {
            pass.Tape!.Record(() =>
            {
                // The addend's backward reads the buffer before any norm below adds to it.
                if (addend.NeedsGrad) addend.ShareGradient(total.Grad!);
                stream.TakeGradient(total.Grad!);
            });
        }
        return total;
    }
}
