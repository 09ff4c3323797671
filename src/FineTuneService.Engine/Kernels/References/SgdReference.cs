using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels.References;

/// <summary>What <see cref="SgdKernel"/> computes, in torch's operators; on devices other than the CPU it is what runs.</summary>
internal static class SgdReference
{
    public static void Step(Tensor values, Tensor gradients, Tensor? velocity, SgdRates rates)
    {
        using var scope = NewDisposeScope();
        if (rates.L2 != 0) gradients = gradients.add(values, alpha: rates.L2);
        Tensor step = velocity is null ? gradients : velocity.mul_(rates.Momentum).add_(gradients);
        if (velocity is not null && rates.Nesterov is { } ahead) step = gradients.add(velocity, alpha: ahead);
        values.add_(step, alpha: -rates.LearningRate);
    }
}
