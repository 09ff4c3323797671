using FineTuneService.Engine.Kernels;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Training;

/// <summary>AdamW, https://arxiv.org/abs/1711.05101, in torch's order: decay first, then the step. State is in the weights' dtype.</summary>
/// <param name="length">Elements of the one buffer that all trained parameters lie in.</param>
internal sealed class AdamW(long length, ScalarType dtype, Device device, TrainingConfig config) : IDisposable
{
    /// <summary>Running mean of the gradients, [length].</summary>
    public Tensor Mean { get; } = zeros([length], dtype, device).DetachFromDisposeScope();

    /// <summary>Running mean of their squares, [length].</summary>
    public Tensor MeanSquare { get; } = zeros([length], dtype, device).DetachFromDisposeScope();

    /// <summary>Updates done; the bias corrections depend on it.</summary>
    public int Steps { get; set; }

    /// <summary>One update of <paramref name="values"/> by <paramref name="gradients"/>, both [length].</summary>
    public void Step(Tensor values, Tensor gradients, double learningRate)
    {
        Steps++;
        AdamWKernel.Step(
            values, gradients, Mean, MeanSquare, learningRate, config.Beta1, config.Beta2, config.Epsilon, config.WeightDecay, Steps);
    }

    public void Dispose()
    {
        Mean.Dispose();
        MeanSquare.Dispose();
    }
}
