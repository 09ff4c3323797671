using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels.References;

/// <summary>What <see cref="RotaryKernel"/> computes, in torch's operators; on devices other than the CPU it is what runs.</summary>
internal static class RotaryReference
{
    public static void Apply(Tensor tokens, Tensor cos, Tensor sin, Tensor positions, AttentionShape shape, bool neighbours, bool inverse)
    {
        using var scope = NewDisposeScope();
        Tensor c = cos.index_select(0, positions).to_type(tokens.dtype).unsqueeze(1);
        Tensor s = sin.index_select(0, positions).to_type(tokens.dtype).unsqueeze(1);
        if (inverse) s = s.neg();
        long half = cos.shape[1];
        Tensor queries = shape.Queries(tokens), keys = shape.Keys(tokens);
        for (int i = 0; i < shape.Group; i++) Turn(queries.select(2, i));
        Turn(keys);

        void Turn(Tensor heads) // [tokens, heads, headDim]
        {
            Tensor low = neighbours ? Every(heads, 0) : heads.narrow(2, 0, half), high = neighbours ? Every(heads, 1) : heads.narrow(2, half, half);
            Tensor newLow = low.mul(c).sub_(high.mul(s)), newHigh = high.mul(c).add_(low.mul(s));
            low.copy_(newLow);
            high.copy_(newHigh);
        }

        Tensor Every(Tensor heads, long which) => heads.narrow(2, 0, 2 * half).unflatten(2, [half, 2]).select(3, which);
    }
}
