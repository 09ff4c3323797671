using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels.References;

/// <summary>What <see cref="CausalSoftmaxKernel"/> computes, in torch's operators; on devices other than the CPU it is what runs.</summary>
internal static class CausalSoftmaxReference
{
    public static void Forward(Tensor scores, int queries, int offset, float scale)
    {
        using var scope = NewDisposeScope();
        Tensor heads = scores.view(-1, queries, scores.shape[1]);
        heads.copy_(Probabilities(heads, offset, scale));
    }

    public static void Backward(Tensor scores, Tensor dProbabilities, int queries, int offset, float scale)
    {
        using var scope = NewDisposeScope();
        Tensor heads = scores.view(-1, queries, scores.shape[1]), gradient = dProbabilities.view(heads.shape);
        Tensor p = Probabilities(heads, offset, scale), wide = gradient.to_type(ScalarType.Float32);
        Tensor mean = p.mul(wide).sum(-1L, true);
        gradient.copy_(p.mul(wide.sub(mean)).to_type(scores.dtype).mul(scale));
        heads.copy_(p);
    }

    private static Tensor Probabilities(Tensor scores, int offset, float scale)
    {
        Tensor hidden = ones([scores.shape[1], scores.shape[2]], ScalarType.Bool, scores.device).triu(offset + 1);
        // transformers scales in the scores' own dtype.
        return scores.mul(scale).to_type(ScalarType.Float32).masked_fill_(hidden, float.NegativeInfinity).softmax(-1);
    }
}
