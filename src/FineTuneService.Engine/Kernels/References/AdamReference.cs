using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels.References;

/// <summary>What <see cref="AdamKernel"/> computes, in torch's operators; on devices other than the CPU it is what runs.</summary>
internal static class AdamReference
{
    public static void Step(Tensor values, Tensor gradients, Tensor mean, Tensor meanSquare, AdamRates rates)
    {
        using var scope = NewDisposeScope();
        if (rates.L2 != 0) gradients = gradients.add(values, alpha: rates.L2);
        values.mul_(rates.Decay);
        mean.lerp_(gradients, rates.MeanShare);
        meanSquare.mul_(rates.SquareKept).addcmul_(gradients, gradients, rates.SquareShare);
        Tensor root = meanSquare.sqrt().div_(rates.SquareCorrection).add_(rates.Epsilon);
        values.addcdiv_(mean, root, rates.StepSize);
    }
}
