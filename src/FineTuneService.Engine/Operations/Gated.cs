using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Kernels.Gates;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Operations;

/// <summary>The gated linear unit of https://arxiv.org/abs/2002.05202: gate(x) · up.</summary>
internal static class Gated
{
    /// <param name="gateUp">[tokens, 2·intermediate]: x, then up.</param>
    /// <returns>[tokens, intermediate].</returns>
    public static Activation Forward(Activation gateUp, GateKind gate, Pass pass)
    {
        Tensor input = gateUp.Value;
        Tensor output = pass.Pool.Lend(gateUp.Dtype, gateUp.Shape[0], gateUp.Shape[1] / 2);
        GatedKernel.Forward(gate, input, output);
        var gated = new Activation(output, gateUp.NeedsGrad, pass.Pool);
        if (gated.NeedsGrad) pass.Tape!.Record(() => Backward(gateUp, gate, gated, pass));
        else gateUp.Done();
        return gated;
    }

    private static void Backward(Activation gateUp, GateKind gate, Activation gated, Pass pass)
    {
        Tensor gradient = pass.Pool.Lend(gateUp.Dtype, gateUp.Shape);
        GatedKernel.Backward(gate, gated.Grad!, gateUp.Value, gradient);
        gated.ReleaseGradient();
        gateUp.TakeGradient(gradient);
        gateUp.Done();
    }
}
