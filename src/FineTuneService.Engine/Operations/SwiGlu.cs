using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Operations;

/// <summary>The gated linear unit of https://arxiv.org/abs/2002.05202: silu(gate) · up.</summary>
internal static class SwiGlu
{
    /// <param name="gateUp">[tokens, 2·intermediate]: gate, then up.</param>
    /// <returns>[tokens, intermediate].</returns>
    public static Activation Forward(Activation gateUp, Pass pass)
    {
        Tensor input = gateUp.Value;
        Tensor output = pass.Pool.Lend(input.dtype, input.shape[0], input.shape[1] / 2);
        SwiGluKernel.Forward(input, output);
        var gated = new Activation(output, gateUp.NeedsGrad);
        if (gated.NeedsGrad) pass.Tape!.Record(() => Backward(gateUp, gated, pass));
        else pass.Pool.Return(input);
        return gated;
    }

    private static void Backward(Activation gateUp, Activation gated, Pass pass)
    {
        gateUp.Grad = pass.Pool.Lend(gateUp.Dtype, gateUp.Shape);
        SwiGluKernel.Backward(gated.Grad!, gateUp.Value, gateUp.Grad);
        pass.Pool.Return(gated.Grad);
        pass.Pool.Return(gateUp.Value);
    }
}
