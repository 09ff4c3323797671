using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels.References;

/// <summary>What <see cref="LayerNormKernel"/> computes, in torch's operators; on devices other than the CPU it is what runs.</summary>
internal static class LayerNormReference
{
    public static void Forward(Tensor x, Tensor weight, Tensor? bias, float epsilon, Tensor y, Tensor statistics)
    {
        using var scope = NewDisposeScope();
        Tensor wide = ByHead(x, weight).to_type(ScalarType.Float32), mean = wide.mean([-1], true), away = wide.sub(mean);
        Tensor inverse = away.pow(2).mean([-1], true).add_(epsilon).rsqrt_();
        statistics.copy_(cat([mean, inverse], -1).view(statistics.shape));
        Tensor normed = away.mul_(inverse).mul_(weight);
        if (bias is not null) normed.add_(bias);
        ByHead(y, weight).copy_(normed);
    }

    public static void Backward(Tensor dy, Tensor x, Tensor weight, Tensor statistics, Tensor dx, bool accumulate)
    {
        using var scope = NewDisposeScope();
        Tensor n = Normed(ByHead(x, weight), statistics), inverse = statistics.view(n.shape[0], -1, 2).narrow(2, 1, 1);
        Tensor g = ByHead(dy, weight).to_type(ScalarType.Float32).mul(weight);
        Tensor d = g.sub(g.mean([-1], true)).sub_(n.mul(g.mul(n).mean([-1], true))).mul_(inverse);
        if (accumulate) ByHead(dx, weight).add_(d);
        else ByHead(dx, weight).copy_(d);
    }

    /// <summary>Adds the gradients by weight and bias, summed over the rows. Full training only, so it has no kernel.</summary>
    public static void WeightBackward(Tensor dy, Tensor x, Tensor statistics, Tensor? dWeight, Tensor? dBias)
    {
        using var scope = NewDisposeScope();
        if (dWeight is not null) Add(dWeight, ByHead(dy, dWeight).to_type(ScalarType.Float32).mul(Normed(ByHead(x, dWeight), statistics)));
        if (dBias is not null) Add(dBias, ByHead(dy, dBias).to_type(ScalarType.Float32));
    }

    /// <param name="each">[rows, heads, width].</param>
    private static void Add(Tensor gradient, Tensor each) => gradient.add_(gradient.ndim == 1 ? each.sum(0L).sum(0L) : each.sum(0L));

    /// <param name="x">[rows, heads, width].</param>
    private static Tensor Normed(Tensor x, Tensor statistics)
    {
        Tensor each = statistics.view(x.shape[0], -1, 2);
        return x.to_type(ScalarType.Float32).sub(each.narrow(2, 0, 1)).mul_(each.narrow(2, 1, 1));
    }

    /// <summary>[rows, heads, width], of heads as wide as the weight.</summary>
    private static Tensor ByHead(Tensor rows, Tensor weight) => rows.unflatten(1, [rows.size(1) / weight.size(-1), weight.size(-1)]);
}
