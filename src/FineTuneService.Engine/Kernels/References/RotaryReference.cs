using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels.References;

/// <summary>What <see cref="RotaryKernel"/> computes, in torch's operators; on devices other than the CPU it is what runs.</summary>
internal static class RotaryReference
{
    public static void Apply(Tensor tokens, Tensor cos, Tensor sin, Tensor positions, int heads, int headDim, bool inverse)
    {
        using var scope = NewDisposeScope();
        Tensor turned = tokens.view(tokens.shape[0], -1, headDim).narrow(1, 0, heads);
        Tensor low = turned.narrow(2, 0, headDim / 2), high = turned.narrow(2, headDim / 2, headDim / 2);
        Tensor c = cos.index_select(0, positions).to_type(tokens.dtype).unsqueeze(1);
        Tensor s = sin.index_select(0, positions).to_type(tokens.dtype).unsqueeze(1);
        if (inverse) s = s.neg();
        Tensor newLow = low.mul(c).sub_(high.mul(s)), newHigh = high.mul(c).add_(low.mul(s));
        low.copy_(newLow);
        high.copy_(newHigh);
    }
}
