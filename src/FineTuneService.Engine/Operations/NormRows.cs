using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Operations;

/// <summary>A norm's kernel by its kind, over rows [rows, width] or [rows, heads·width], and what it keeps for the backward.</summary>
internal static class NormRows
{
    /// <summary>Room for a norm's statistics of so many rows; the pool's.</summary>
    public static Tensor Statistics(NormWeight norm, long rows, BufferPool pool) =>
        norm.Kind == NormKind.Layer ? pool.Lend(ScalarType.Float32, rows, 2) : pool.Lend(ScalarType.Float32, rows);

    public static void Forward(NormWeight norm, Tensor x, Tensor y, Tensor statistics)
    {
        if (norm.Kind == NormKind.Layer) LayerNormKernel.Forward(x, norm.Weight, norm.Bias, norm.Epsilon, y, statistics);
        else RmsNormKernel.Forward(x, norm.Weight, norm.Epsilon, y, statistics, norm.Kind);
    }

    /// <param name="gradients">Those of weight and bias, or null where they are frozen.</param>
    public static void Backward(NormWeight norm, Tensor dy, Tensor x, Tensor statistics, Tensor dx, float beta, (Tensor? Weight, Tensor? Bias) gradients)
    {
        if (norm.Kind == NormKind.Layer)
            LayerNormKernel.Backward(dy, x, norm.Weight, statistics, dx, beta != 0, gradients.Weight, gradients.Bias);
        else RmsNormKernel.Backward(dy, x, norm.Weight, statistics, dx, beta != 0, gradients.Weight, norm.Kind);
    }
}
