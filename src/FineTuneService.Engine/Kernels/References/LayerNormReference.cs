using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels.References;

/// <summary>What <see cref="LayerNormKernel"/> computes, in torch's operators; on devices other than the CPU it is what runs.</summary>
internal static class LayerNormReference
{
    public static void Forward(Tensor x, Tensor weight, Tensor? bias, float epsilon, Tensor y, Tensor statistics)
    {
        using var scope = NewDisposeScope();
        Tensor wide = x.to_type(ScalarType.Float32), mean = wide.mean([-1], true), away = wide.sub(mean);
        Tensor inverse = away.pow(2).mean([-1], true).add_(epsilon).rsqrt_();
        statistics.copy_(cat([mean, inverse], -1).view(statistics.shape));
        Tensor normed = away.mul_(inverse).mul_(weight);
        if (bias is not null) normed.add_(bias);
        y.copy_(normed);
    }

    public static void Backward(Tensor dy, Tensor x, Tensor weight, Tensor statistics, Tensor dx, bool accumulate)
    {
        using var scope = NewDisposeScope();
        Tensor inverse = statistics.narrow(1, 1, 1), n = Normed(x, statistics);
        Tensor g = dy.to_type(ScalarType.Float32).mul(weight);
        Tensor d = g.sub(g.mean([-1], true)).sub_(n.mul(g.mul(n).mean([-1], true))).mul_(inverse);
        if (accumulate) dx.add_(d);
        else dx.copy_(d);
    }

    /// <summary>Adds the gradients by weight and bias, summed over the rows. Full training only, so it has no kernel.</summary>
    public static void WeightBackward(Tensor dy, Tensor x, Tensor statistics, Tensor? dWeight, Tensor? dBias)
    {
        using var scope = NewDisposeScope();
        dWeight?.add_(dy.to_type(ScalarType.Float32).mul(Normed(x, statistics)).sum(0L));
        dBias?.add_(dy.sum(0L, type: ScalarType.Float32));
    }

    private static Tensor Normed(Tensor x, Tensor statistics) =>
        x.to_type(ScalarType.Float32).sub(statistics.narrow(1, 0, 1)).mul_(statistics.narrow(1, 1, 1));
}
