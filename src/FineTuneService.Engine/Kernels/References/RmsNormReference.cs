using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels.References;

/// <summary>What <see cref="RmsNormKernel"/> computes, in torch's operators; on devices other than the CPU it is what runs.</summary>
internal static class RmsNormReference
{
    public static void Forward(Tensor x, Tensor weight, float epsilon, Tensor y, Tensor rstd, NormKind kind)
    {
        using var scope = NewDisposeScope();
        Tensor wide = x.to_type(ScalarType.Float32);
        Tensor inverse = wide.pow(2).mean([-1], true).add_(epsilon).rsqrt();
        rstd.copy_(inverse.view(rstd.shape));
        if (kind == NormKind.Rms) y.copy_(wide.mul(inverse).to_type(x.dtype).mul_(weight));
        else y.copy_(wide.mul(inverse).mul_(Factor(weight, kind)));
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
        Tensor inverse = rstd.view(-1, 1), n = x.to_type(ScalarType.Float32).mul(inverse);
        Tensor g = dy.to_type(ScalarType.Float32).mul(Factor(weight, kind));
        Tensor d = g.sub(n.mul(g.mul(n).mean([-1], true))).mul_(inverse);
        if (accumulate) dx.add_(d);
        else dx.copy_(d);
    }

    private static Tensor Factor(Tensor weight, NormKind kind) => weight.to_type(ScalarType.Float32).add(kind == NormKind.RmsOnePlus ? 1 : 0);

    /// <summary>dWeight += dy · n summed over the rows. Full training only, so it has no kernel.</summary>
    public static void WeightBackward(Tensor dy, Tensor x, Tensor rstd, Tensor dWeight)
    {
        using var scope = NewDisposeScope();
        Tensor n = x.to_type(ScalarType.Float32).mul(rstd.view(-1, 1));
        dWeight.add_(dy.to_type(ScalarType.Float32).mul(n).sum(0L));
    }
}
