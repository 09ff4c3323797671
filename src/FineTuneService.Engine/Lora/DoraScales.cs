using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Lora;

/// <summary>
/// DoRA's factors of each output, magnitude / ‖W + scaling·B·A‖ by row (https://arxiv.org/abs/2402.09353, section 4.3: the norm counts as a
/// constant in the backward). They are worked out once after each change of the adapter, whatever number of micro batches reads them.
/// </summary>
internal sealed class DoraScales : IDisposable
{
    private readonly Dictionary<(LinearWeight, string), DoraScale> _known = [];

    /// <param name="part">In fp32, or bf16 where all is.</param>
    /// <param name="removed">What counts as taken off the base's weight (PiSSA), or null.</param>
    public DoraScale Of(LinearWeight linear, JoinedLoraPart part, JoinedLoraPart? removed, BufferPool pool)
    {
        if (_known.TryGetValue((linear, part.Module), out DoraScale? known)) return known;
        using var scope = NewDisposeScope();
        Tensor norm = AdaptedWeight(linear, part, removed, pool).norm(1);
        Tensor factor = part.Magnitude!.to_type(ScalarType.Float32) / norm;
        return _known[(linear, part.Module)] = new DoraScale(factor.DetachFromDisposeScope(), norm.DetachFromDisposeScope());
    }

    /// <summary>W + scaling·B·A, fp32 [out, in]; the caller's scope disposes it.</summary>
    public static Tensor AdaptedWeight(LinearWeight linear, JoinedLoraPart part, JoinedLoraPart? removed, BufferPool pool)
    {
        using var scope = NewDisposeScope();
        Tensor dense = linear.Dense(pool);
        Tensor weight = dense.narrow(0, part.OutOffset, part.Out).to_type(ScalarType.Float32).clone();
        pool.Return(dense);
        weight.addmm_(part.B.to_type(ScalarType.Float32), part.A.to_type(ScalarType.Float32), beta: 1, alpha: (float)part.Scaling);
        if (removed is not null) weight.addmm_(removed.B.to_type(ScalarType.Float32), removed.A.to_type(ScalarType.Float32), beta: 1, alpha: -(float)part.Scaling);
        return weight.MoveToOuterDisposeScope();
    }

    /// <summary>The values have changed.</summary>
    public void Clear()
    {
        foreach (DoraScale scale in _known.Values)
        {
            scale.Factor.Dispose();
            scale.Norm.Dispose();
        }
        _known.Clear();
    }

    public void Dispose() => Clear();
}

/// <param name="Factor">fp32 [out].</param>
/// <param name="Norm">fp32 [out].</param>
internal sealed record DoraScale(Tensor Factor, Tensor Norm);
