using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Operations;

/// <summary>
/// y = x·Wᵀ + bias, and scaling · (x·Aᵀ)·Bᵀ on the rows and parts that an adapter targets. Joined layers (q, k, v; gate, up) are
/// one base product. A quantised weight is dequantised into a lent buffer, in the forward and again in the backward.
/// </summary>
internal static class Linear
{
    /// <param name="x">[tokens, in].</param>
    /// <returns>[tokens, out].</returns>
    public static Activation Forward(Activation x, LinearWeight weight, Pass pass)
    {
        BufferPool pool = pass.Pool;
        Tensor y = pool.Lend(x.Dtype, x.Shape[0], weight.Out);
        weight.Multiply(x.Value, y, pool);

        var branches = new AdapterBranches();
        foreach (AdapterRows rows in pass.Adapters) branches.Forward(x.Value, x.Value, y, weight, rows, pass);
        bool trains = pass.Tape is not null && (branches.Train || TrainsWeight(weight, pass));
        var output = new Activation(y, x.NeedsGrad || trains, pool);
        if (output.NeedsGrad) pass.Tape!.Record(() => Backward(x, trains, weight, branches, output, pass));
        else branches.Release(pool);
        if (!trains) x.Done();
        return output;
    }

    /// <summary>dx = beta · dx + dy·W; and in full training, the weight's gradient += dyᵀ·x, the bias's += the sum of dy.</summary>
    public static void MultiplyBackward(Tensor dy, Tensor x, Tensor? dx, float beta, LinearWeight weight, Pass pass)
    {
        if (dx is not null) weight.MultiplyBackward(dy, dx, beta, pass.Pool);
        if (!TrainsWeight(weight, pass)) return;
        Gradients.AddProduct(pass.Gradients!.Of(weight.Stored)!, dy.t(), x, 1, pass.Pool);
        if (weight.Bias is not null) pass.Gradients.Of(weight.Bias)!.add_(dy.sum(0L, type: ScalarType.Float32));
    }

    public static bool TrainsWeight(LinearWeight weight, Pass pass) => pass.Gradients?.Of(weight.Stored) is not null;

    private static void Backward(Activation x, bool kept, LinearWeight weight, AdapterBranches branches, Activation output, Pass pass)
    {
        BufferPool pool = pass.Pool;
        Tensor dy = output.Grad!;
        (Tensor? dx, float beta) = x.NeedsGrad ? x.GradientPlace() : (null, 0);
        branches.Backward(x.Value, dy, dx, beta, weight, pass);
        branches.Release(pool);
        if (kept) x.Done();
        output.ReleaseGradient();
    }
}
