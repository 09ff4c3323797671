using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels.References;

/// <summary>What <see cref="AdamWKernel"/> computes, in torch's operators; on devices other than the CPU it is what runs.</summary>
internal static class AdamWReference
{
    public static void Step(Tensor values, Tensor gradients, Tensor mean, Tensor meanSquare, AdamWKernel.Rates rates)
    {
        using var scope = NewDisposeScope();
        values.mul_(rates.Decay);
        mean.add_(gradients.sub(mean).mul_(rates.MeanShare));
        meanSquare.mul_(rates.SquareKept).addcmul_(gradients, gradients, rates.SquareShare);
        Tensor root = meanSquare.sqrt().div_(rates.SquareCorrection).add_(rates.Epsilon);
        values.addcdiv_(mean, root, rates.StepSize);
    }
}
