using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Operations;

/// <summary>A norm of each token, and the sum of two activations with the norm of it.</summary>
/// <remarks>
/// The residual stream's gradient is one buffer from the last block to the first: every norm's backward adds its share to it in
/// place, and the layers that wrote into the stream read it without owning it.
/// </remarks>
internal static class Norm
{
    /// <param name="x">[tokens, width].</param>
    /// <returns>Of the same shape.</returns>
    public static Activation Forward(Activation x, NormWeight weight, Pass pass)
    {
        weight = AdaptedNorm.Of(weight, x.Dtype, x.Shape[0], pass);
        Tensor output = pass.Pool.Lend(x.Dtype, x.Shape);
        Tensor statistics = NormRows.Statistics(weight, x.Shape[0], pass.Pool);
        NormRows.Forward(weight, x.Value, output, statistics);
        return Normed(x, output, statistics, weight, pass);
    }

    /// <summary>The sum, in one pass over memory with its norm where the norm's kernel can.</summary>
    /// <param name="stream">[tokens, hidden]: the stream so far.</param>
    /// <param name="addend">[tokens, hidden]: the layer's output.</param>
    /// <returns>The stream from here on, read by the norm too, and its norm.</returns>
    public static (Activation Stream, Activation Normed) AddForward(Activation stream, Activation addend, NormWeight weight, Pass pass)
    {
        if (weight.Kind == NormKind.Layer)
        {
            Activation added = Sum.Forward(stream, addend, pass);
            return (added, Forward(added.AlsoRead(), weight, pass));
        }
        weight = AdaptedNorm.Of(weight, stream.Dtype, stream.Shape[0], pass);
        BufferPool pool = pass.Pool;
        Tensor sum = pool.Lend(stream.Dtype, stream.Shape);
        Tensor output = pool.Lend(stream.Dtype, stream.Shape);
        Tensor inverse = NormRows.Statistics(weight, stream.Shape[0], pool);
        RmsNormKernel.ResidualForward(addend.Value, stream.Value, weight.Weight, weight.Epsilon, sum, output, inverse, weight.Kind);
        Activation total = Sum.Of(sum, stream, addend, pass);
        return (total, Normed(total.AlsoRead(), output, inverse, weight, pass));
    }

    private static Activation Normed(Activation x, Tensor output, Tensor statistics, NormWeight weight, Pass pass)
    {
        AdaptedNorm.Rows(weight, x.Value, output, statistics, pass);
        (Tensor? Weight, Tensor? Bias) gradients = AdaptedNorm.Gradients(weight, pass);
        var normed = new Activation(output, x.NeedsGrad || (pass.Tape is not null && (gradients.Weight is not null || gradients.Bias is not null)), pass.Pool);
        if (normed.NeedsGrad) pass.Tape!.Record(() => Backward(x, normed, statistics, weight, gradients, pass.Pool));
        else
        {
            pass.Pool.Return(statistics);
            x.Done();
        }
        return normed;
    }

    private static void Backward(
        Activation x, Activation normed, Tensor statistics, NormWeight weight, (Tensor? Weight, Tensor? Bias) gradients, BufferPool pool)
    {
        (Tensor dx, float beta) = x.GradientPlace();
        NormRows.Backward(weight, normed.Grad!, x.Value, statistics, dx, beta, gradients);
        normed.ReleaseGradient();
        pool.Return(statistics);
        x.Done();
    }
}
