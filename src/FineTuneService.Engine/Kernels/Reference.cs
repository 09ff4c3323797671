using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels;

internal static class EmbeddingKernel
{
    public static void Gather(Tensor table, Tensor ids, Tensor output)
    {
        using var scope = NewDisposeScope();
        output.copy_(table.index_select(0, ids));
    }

    public static void ScatterAdd(Tensor rows, Tensor ids, Tensor into)
    {
        using var scope = NewDisposeScope();
        into.index_add_(0, ids, rows.to_type(into.dtype), 1);
    }
}

internal static class RmsNormKernel
{
    public static void Forward(Tensor x, Tensor weight, float eps, Tensor y, Tensor rstd)
    {
        using var scope = NewDisposeScope();
        Tensor f = x.to_type(ScalarType.Float32);
        Tensor r = f.pow(2).mean([-1], true).add_(eps).rsqrt();
        rstd.copy_(r.view(rstd.shape));
        y.copy_(f.mul(r).to_type(x.dtype).mul_(weight));
    }

    public static void ResidualForward(Tensor x, Tensor residual, Tensor weight, float eps, Tensor sum, Tensor y, Tensor rstd)
    {
        sum.copy_(residual);
        sum.add_(x);
        Forward(sum, weight, eps, y, rstd);
    }

    public static void Backward(Tensor dy, Tensor x, Tensor weight, Tensor rstd, Tensor dx, bool accumulate, Tensor? dWeight)
    {
        using var scope = NewDisposeScope();
        Tensor f = x.to_type(ScalarType.Float32), r = rstd.view(-1, 1), g = dy.to_type(ScalarType.Float32);
        Tensor n = f.mul(r);
        dWeight?.add_(g.mul(n).sum(0L));
        Tensor gw = g.mul(weight.to_type(ScalarType.Float32));
        Tensor d = gw.sub(n.mul(gw.mul(n).mean([-1], true))).mul_(r);
        if (accumulate) dx.add_(d);
        else dx.copy_(d);
    }
}

internal static class RotaryKernel
{
    public static void Apply(Tensor qkv, Tensor cos, Tensor sin, Tensor positions, int heads, int headDim, bool inverse)
    {
        using var scope = NewDisposeScope();
        Tensor q = qkv.view(qkv.shape[0], -1, headDim).narrow(1, 0, heads);
        Tensor a = q.narrow(2, 0, headDim / 2), b = q.narrow(2, headDim / 2, headDim / 2);
        // As transformers: cosines, sines and each product are rounded to the tokens' dtype.
        Tensor c = cos.index_select(0, positions).to_type(qkv.dtype).unsqueeze(1), s = sin.index_select(0, positions).to_type(qkv.dtype).unsqueeze(1);
        if (inverse) s = s.neg();
        Tensor na = a.mul(c).sub_(b.mul(s)), nb = b.mul(c).add_(a.mul(s));
        a.copy_(na);
        b.copy_(nb);
    }
}

internal static class SwiGluKernel
{
    public static void Forward(Tensor gateUp, Tensor y)
    {
        using var scope = NewDisposeScope();
        long i = y.shape[1];
        y.copy_(gateUp.narrow(1, 0, i).silu().mul_(gateUp.narrow(1, i, i)));
    }

    public static void Backward(Tensor dy, Tensor gateUp, Tensor dGateUp)
    {
        using var scope = NewDisposeScope();
        long i = dy.shape[1];
        Tensor g = gateUp.narrow(1, 0, i).to_type(ScalarType.Float32), u = gateUp.narrow(1, i, i).to_type(ScalarType.Float32), d = dy.to_type(ScalarType.Float32);
        Tensor s = g.sigmoid();
        Tensor silu = g.mul(s);
        Tensor dg = d.mul(u).mul_(s.add(silu.mul(s.neg().add_(1))));
        dGateUp.narrow(1, i, i).copy_(d.mul(silu));
        dGateUp.narrow(1, 0, i).copy_(dg);
    }
}

internal static class CausalSoftmaxKernel
{
    public static void Forward(Tensor scores, int width, int offset, float scale)
    {
        using var scope = NewDisposeScope();
        long keys = scores.shape[1];
        Tensor s = scores.view(-1, width, keys);
        Tensor mask = ones([width, keys], ScalarType.Bool, scores.device).triu(offset + 1);
        s.copy_(s.to_type(ScalarType.Float32).mul_(scale).masked_fill_(mask, float.NegativeInfinity).softmax(-1));
    }

    public static void Backward(Tensor scores, Tensor dProbabilities, int width, int offset, float scale)
    {
        using var scope = NewDisposeScope();
        long keys = scores.shape[1];
        Tensor s = scores.view(-1, width, keys), d = dProbabilities.view(-1, width, keys);
        Tensor mask = ones([width, keys], ScalarType.Bool, scores.device).triu(offset + 1);
        Tensor p = s.to_type(ScalarType.Float32).mul(scale).masked_fill_(mask, float.NegativeInfinity).softmax(-1);
        Tensor fd = d.to_type(ScalarType.Float32);
        Tensor dot = p.mul(fd).sum(-1L, true);
        d.copy_(p.mul(fd.sub(dot)).mul_(scale));
        s.copy_(p);
    }
}

internal static class CrossEntropyKernel
{
    public static void ForwardBackward(Tensor logits, Tensor targets, Tensor losses, float gradScale)
    {
        using var scope = NewDisposeScope();
        Tensor f = logits.to_type(ScalarType.Float32);
        Tensor lse = f.logsumexp(1, true);
        Tensor at = f.gather(1, targets.unsqueeze(1));
        losses.copy_(lse.sub(at).view(losses.shape));
        Tensor p = f.sub(lse).exp_();
        p.scatter_(1, targets.unsqueeze(1), p.gather(1, targets.unsqueeze(1)).sub_(1));
        logits.copy_(p.mul_(gradScale));
    }
}

internal static class AdamWKernel
{
    public static void Step(Tensor p, Tensor g, Tensor m, Tensor v, double lr, double b1, double b2, double eps, double decay, int t)
    {
        using var scope = NewDisposeScope();
        p.mul_(1 - lr * decay);
        m.add_(g.sub(m).mul_(1 - b1));
        v.mul_(b2).addcmul_(g, g, 1 - b2);
        double c1 = 1 - Math.Pow(b1, t), c2 = Math.Sqrt(1 - Math.Pow(b2, t));
        Tensor d = v.sqrt().div_(c2).add_(eps);
        p.addcdiv_(m, d, -lr / c1);
    }
}
