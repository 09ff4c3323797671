using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels.References;

/// <summary>What <see cref="Lion8BitKernel"/> computes, in torch's operators; on devices other than the CPU it is what runs.</summary>
internal static class Lion8BitReference
{
    public static void Step(Tensor values, Tensor gradients, BlockCodes mean, LionRates rates)
    {
        using var scope = NewDisposeScope();
        Tensor gradient = gradients.to_type(ScalarType.Float32), average = BlockReference.Read(mean).view(gradient.shape);
        Tensor direction = (average * rates.Beta1 + gradient * rates.Share1).sign();
        values.copy_(values.to_type(ScalarType.Float32) * rates.Decay - direction * rates.LearningRate);
        BlockReference.Write(mean, average * rates.Beta2 + gradient * rates.Share2);
    }
}
