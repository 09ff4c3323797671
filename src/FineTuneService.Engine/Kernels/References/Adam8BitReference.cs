using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels.References;

/// <summary>What <see cref="Adam8BitKernel"/> computes, in torch's operators; on devices other than the CPU it is what runs.</summary>
internal static class Adam8BitReference
{
    public static void Step(Tensor values, Tensor gradients, BlockCodes mean, BlockCodes meanSquare, AdamRates rates)
    {
        using var scope = NewDisposeScope();
        Tensor value = values.to_type(ScalarType.Float32), gradient = gradients.to_type(ScalarType.Float32).add(value, alpha: rates.L2);
        Tensor average = BlockReference.Read(mean).view(value.shape) * rates.MeanKept + gradient * rates.MeanShare;
        Tensor square = BlockReference.Read(meanSquare).view(value.shape) * rates.SquareKept + gradient * gradient * rates.SquareShare;
        Tensor root = square.sqrt().div_(rates.SquareCorrection).add_(rates.Epsilon);
        values.copy_(value * rates.Decay + rates.StepSize * (average / root));
        BlockReference.Write(mean, average);
        BlockReference.Write(meanSquare, square);
    }
}
