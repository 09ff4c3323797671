using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Operations;

/// <summary>Root mean square norm, https://arxiv.org/abs/1910.07467: y = x / sqrt(mean(x²) + eps) · weight, in fp32 inside.</summary>
/// <remarks>
/// The residual stream's gradient is one buffer from the last block to the first: every norm's backward adds its share to it in
/// place, and the layers that wrote into the stream read it without owning it.
/// </remarks>
internal static class RmsNorm
{
    /// <summary>The norm of the stream itself, which goes on unchanged.</summary>
    /// <param name="stream">[tokens, hidden].</param>
    public static Activation Forward(Activation stream, Tensor weight, float epsilon, Pass pass)
    {
        Tensor output = pass.Pool.Lend(weight.dtype, stream.Shape);
        Tensor inverse = pass.Pool.Lend(ScalarType.Float32, stream.Shape[0]);
        RmsNormKernel.Forward(stream.Value, weight, epsilon, output, inverse);
        return Normed(stream, output, inverse, weight, pass);
    }

    /// <summary>Adds a layer's output to the stream and takes the norm of the sum, in one pass over memory.</summary>
    /// <param name="stream">[tokens, hidden]: the stream so far.</param>
    /// <param name="addend">[tokens, hidden]: the layer's output; its buffer is given back.</param>
    /// <returns>The stream from here on, and its norm.</returns>
    public static (Activation Stream, Activation Normed) AddForward(
        Activation stream, Activation addend, Tensor weight, float epsilon, Pass pass)
    {
        BufferPool pool = pass.Pool;
        Tensor sum = pool.Lend(weight.dtype, stream.Shape);
        Tensor output = pool.Lend(weight.dtype, stream.Shape);
        Tensor inverse = pool.Lend(ScalarType.Float32, stream.Shape[0]);
        RmsNormKernel.ResidualForward(addend.Value, stream.Value, weight, epsilon, sum, output, inverse);
        pool.Return(addend.Value);
        if (!stream.NeedsGrad) pool.Return(stream.Value);

        var total = new Activation(sum, stream.NeedsGrad || addend.NeedsGrad);
        if (total.NeedsGrad)
        {
            pass.Tape!.Record(() =>
            {
                stream.Grad = total.Grad;
                addend.Grad = total.Grad;
                addend.GradIsShared = true;
            });
        }
        return (total, Normed(total, output, inverse, weight, pass));
    }

    private static Activation Normed(Activation stream, Tensor output, Tensor inverse, Tensor weight, Pass pass)
    {
        var normed = new Activation(output, stream.NeedsGrad);
        if (normed.NeedsGrad) pass.Tape!.Record(() => Backward(stream, normed, inverse, weight, pass));
        else pass.Pool.Return(inverse);
        return normed;
    }

    private static void Backward(Activation stream, Activation normed, Tensor inverse, Tensor weight, Pass pass)
    {
        bool accumulate = stream.Grad is not null;
        stream.Grad ??= pass.Pool.Lend(weight.dtype, stream.Shape);
        RmsNormKernel.Backward(normed.Grad!, stream.Value, weight, inverse, stream.Grad, accumulate, pass.Gradients?.Of(weight));
        pass.Pool.Return(normed.Grad);
        pass.Pool.Return(inverse);
        pass.Pool.Return(stream.Value);
    }
}
