using static TorchSharp.torch;

namespace FineTuneService.Engine.Compute;

/// <summary>
/// A value that an operation made, and in the backward the gradient of the loss by it. Both are lent by the step's pool.
/// </summary>
/// <param name="value">[tokens, width] in the compute dtype.</param>
/// <param name="needsGrad">False where nothing trainable lies below: then no operation computes a gradient for it.</param>
internal sealed class Activation(Tensor value, bool needsGrad)
{
    /// <summary>Undefined once an operation that needs it no longer has given it back.</summary>
    public Tensor Value { get; } = value;

    /// <summary>Of the value and of its gradient.</summary>
    public long[] Shape { get; } = value.shape;

    public ScalarType Dtype { get; } = value.dtype;

    public bool NeedsGrad { get; } = needsGrad;

    /// <summary>Set by the operation that consumed the value, before the backward of the one that made it.</summary>
    public Tensor? Grad { get; set; }

    /// <summary>The gradient is the residual stream's, which others go on using: to be read, neither changed nor given back.</summary>
    public bool GradIsShared { get; set; }
}
