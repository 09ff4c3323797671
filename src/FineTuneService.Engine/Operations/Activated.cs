using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Kernels.Gates;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Operations;

/// <summary>An activation function of every element, where an MLP has no gate.</summary>
internal static class Activated
{
    /// <param name="x">[tokens, intermediate].</param>
    /// <returns>Of the same shape.</returns>
    public static Activation Forward(Activation x, GateKind gate, Pass pass)
    {
        Tensor y = pass.Pool.Lend(x.Dtype, x.Shape);
        GateKernel.Forward(gate, x.Value, y);
        var output = new Activation(y, x.NeedsGrad, pass.Pool);
        if (output.NeedsGrad) pass.Tape!.Record(() => Backward(x, gate, output));
        else x.Done();
        return output;
    }

    private static void Backward(Activation x, GateKind gate, Activation output)
    {
        (Tensor dx, float beta) = x.GradientPlace();
        GateKernel.Backward(gate, output.Grad!, x.Value, dx, beta);
        output.ReleaseGradient();
        x.Done();
    }
}
