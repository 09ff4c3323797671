using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels.References;

/// <summary>What <see cref="LionKernel"/> computes, in torch's operators; on devices other than the CPU it is what runs.</summary>
internal static class LionReference
{
    public static void Step(Tensor values, Tensor gradients, Tensor mean, LionRates rates)
    {
        using var scope = NewDisposeScope();
        Tensor gradient = gradients.to_type(ScalarType.Float32), average = mean.to_type(ScalarType.Float32);
        Tensor direction = (average * rates.Beta1 + gradient * rates.Share1).sign();
        values.mul_(rates.Decay).add_(direction, alpha: -rates.LearningRate);
        mean.copy_(average * rates.Beta2 + gradient * rates.Share2);
    }
}
