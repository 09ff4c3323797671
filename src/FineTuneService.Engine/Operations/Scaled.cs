using FineTuneService.Engine.Compute;

namespace FineTuneService.Engine.Operations;

/// <summary>x · factor, in place: Granite's residual multiplier, an embedding's scale.</summary>
internal static class Scaled
{
    /// <param name="x">[tokens, width]; read by this operation alone, which takes its buffer over.</param>
    /// <param name="factor">1: x itself, and nothing is done.</param>
    public static Activation Forward(Activation x, float factor, Pass pass)
    {
        if (factor == 1) return x;
        x.Value.mul_(factor);
        var output = new Activation(x.Value, x.NeedsGrad, pass.Pool);
        if (output.NeedsGrad) pass.Tape!.Record(() => Backward(x, factor, output));
        return output;
    }

    private static void Backward(Activation x, float factor, Activation output)
    {
        (TorchSharp.torch.Tensor dx, float beta) = x.GradientPlace();
        if (beta == 0) dx.zero_();
        dx.add_(output.Grad!, factor);
        output.ReleaseGradient();
    }
}
