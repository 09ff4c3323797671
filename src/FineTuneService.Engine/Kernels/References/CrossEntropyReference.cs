using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels.References;

/// <summary>What <see cref="CrossEntropyKernel"/> computes, in torch's operators; on devices other than the CPU it is what runs.</summary>
internal static class CrossEntropyReference
{
    public static void ForwardBackward(Tensor logits, Tensor labels, Tensor losses, float gradientScale, Tensor? weights)
    {
        using var scope = NewDisposeScope();
        Tensor wide = logits.to_type(ScalarType.Float32), index = labels.unsqueeze(1);
        Tensor logSum = wide.logsumexp(1, true);
        losses.copy_(logSum.sub(wide.gather(1, index)).view(losses.shape));
        Tensor p = wide.sub(logSum).exp_();
        p.scatter_(1, index, p.gather(1, index).sub_(1));
        if (weights is not null) p.mul_(weights.unsqueeze(1));
        logits.copy_(p.mul_(gradientScale));
    }
}
