using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels.References;

/// <summary>What <see cref="RmsNormKernel"/> computes, in torch's operators; on devices other than the CPU it is what runs.</summary>
internal static class RmsNormReference
{
    public static void Forward(Tensor x, Tensor weight, float epsilon, Tensor y, Tensor rstd, NormKind kind)
    {
        using var scope = NewDisposeScope();
        Tensor wide = ByHead(x, weight).to_type(ScalarType.Float32);
        Tensor inverse = wide.pow(2).mean([-1], true).add_(epsilon).rsqrt();
        rstd.copy_(inverse.view(rstd.shape));
        if (kind == NormKind.Rms) ByHead(y, weight).copy_(wide.mul(inverse).to_type(x.dtype).mul_(weight));
        else ByHead(y, weight).copy_(wide.mul(inverse).mul_(Factor(weight, kind)));
    }

    public static void ResidualForward(Tensor x, Tensor residual, Tensor weight, float epsilon, Tensor sum, Tensor y, Tensor rstd, NormKind kind)
    {
        sum.copy_(residual);
        sum.add_(x);
        Forward(sum, weight, epsilon, y, rstd, kind);
    }

    public static void Backward(Tensor dy, Tensor x, Tensor weight, Tensor rstd, Tensor dx, bool accumulate, Tensor? dWeight, NormKind kind)
    {
        using var scope = NewDisposeScope();
        if (dWeight is not null) WeightBackward(dy, x, rstd, dWeight);
        Tensor wide = ByHead(x, weight).to_type(ScalarType.Float32), inverse = rstd.view(wide.shape[0], -1, 1), n = wide.mul(inverse);
        Tensor g = ByHead(dy, weight).to_type(ScalarType.Float32).mul(Factor(weight, kind));
        Tensor d = g.sub(n.mul(g.mul(n).mean([-1], true))).mul_(inverse);
        if (accumulate) ByHead(dx, weight).add_(d);
        else ByHead(dx, weight).copy_(d);
    }

    private static Tensor Factor(Tensor weight, NormKind kind) => weight.to_type(ScalarType.Float32).add(kind == NormKind.RmsOnePlus ? 1 : 0);

    /// <summary>dWeight += dy · n summed over the rows. Full training only, so it has no kernel.</summary>
    public static void WeightBackward(Tensor dy, Tensor x, Tensor rstd, Tensor dWeight)
    {
        using var scope = NewDisposeScope();
        Tensor wide = ByHead(x, dWeight).to_type(ScalarType.Float32), n = wide.mul(rstd.view(wide.shape[0], -1, 1));
        Tensor each = ByHead(dy, dWeight).to_type(ScalarType.Float32).mul(n).sum(0L);
        dWeight.add_(dWeight.ndim == 1 ? each.sum(0L) : each);
    }

    /// <summary>[rows, heads, width], of heads as wide as the weight.</summary>
    private static Tensor ByHead(Tensor rows, Tensor weight) => rows.unflatten(1, [rows.size(1) / weight.size(-1), weight.size(-1)]);
}
