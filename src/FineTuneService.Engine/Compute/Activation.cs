using static TorchSharp.torch;

namespace FineTuneService.Engine.Compute;

/// <summary>
/// A value that an operation made, and in the backward the gradient of the loss by it. It owns its buffer, which goes back to the pool
/// once every operation that reads it has said <see cref="Done"/>: right after its forward, or in its backward where that reads it again.
/// </summary>
/// <param name="value">[tokens, width] in the compute dtype.</param>
/// <param name="needsGrad">False where nothing trainable lies below: then no operation computes a gradient for it.</param>
/// <param name="pool">Lent the value, and lends the gradient.</param>
internal sealed class Activation(Tensor value, bool needsGrad, BufferPool pool)
{
    private int _readers = 1;
    private bool _gradIsShared;

    /// <summary>Undefined once all its readers are done.</summary>
    public Tensor Value { get; } = value;

    /// <summary>Of the value and of its gradient.</summary>
    public long[] Shape { get; } = pool.ShapeOf(value);

    public ScalarType Dtype { get; } = value.dtype;

    public bool NeedsGrad { get; } = needsGrad;

    /// <summary>What its readers' backwards have added up, or null before the first of them.</summary>
    public Tensor? Grad { get; private set; }

    /// <summary>One more operation reads it: made for one, it is given to two.</summary>
    public Activation AlsoRead()
    {
        _readers++;
        return this;
    }

    /// <summary>Said by each reader once.</summary>
    public void Done()
    {
        if (--_readers == 0) pool.Return(Value);
    }

    /// <summary>Where a reader's backward writes its share, times Beta what is there: the first writes, later ones add.</summary>
    public (Tensor Place, float Beta) GradientPlace()
    {
        if (Grad is { } shared && _gradIsShared)
        {
            Grad = pool.Lend(Dtype, Shape);
            Grad.copy_(shared);
            _gradIsShared = false;
        }
        if (Grad is not null) return (Grad, 1);
        Grad = pool.Lend(Dtype, Shape);
        return (Grad, 0);
    }

    /// <summary>Hands a whole gradient over: this activation's from now on, where it had none.</summary>
    public void TakeGradient(Tensor gradient)
    {
        if (Grad is null) Grad = gradient;
        else GradientPlace().Place.add_(gradient);
    }

    /// <summary>A gradient that others go on using: it is read, neither changed nor given back.</summary>
    public void ShareGradient(Tensor gradient)
    {
        if (Grad is not null)
        {
            GradientPlace().Place.add_(gradient);
            return;
        }
        (Grad, _gradIsShared) = (gradient, true);
    }

    /// <summary>Hands what has been added up to another activation of the same value, as it is: whole or shared.</summary>
    public void HandGradient(Activation to)
    {
        if (Grad is not { } gradient || !to.NeedsGrad) return;
        if (_gradIsShared) to.ShareGradient(gradient);
        else to.TakeGradient(gradient);
    }

    /// <summary>Said by the operation that made the value, once its backward has read the gradient.</summary>
    public void ReleaseGradient()
    {
        if (!_gradIsShared) pool.Return(Grad);
    }
}
