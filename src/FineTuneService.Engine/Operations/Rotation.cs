using FineTuneService.Engine.Kernels;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Operations;

/// <summary>Turns the queries and keys of a batch by their positions (https://arxiv.org/abs/2104.09864).</summary>
/// <param name="Cos">[positions, turned dimensions / 2] fp32.</param>
/// <param name="Positions">int64 [tokens].</param>
/// <param name="Neighbours">Dimensions 2i and 2i + 1 are a pair, instead of i and i + half.</param>
internal sealed record Rotation(Tensor Cos, Tensor Sin, Tensor Positions, bool Neighbours = false)
{
    /// <param name="qkv">[tokens, (heads + 2·kvHeads)·headDim]: queries and keys are turned in place.</param>
    /// <param name="inverse">Turns back: the backward.</param>
    public void Apply(Tensor qkv, AttentionShape shape, bool inverse = false) =>
        RotaryKernel.Apply(qkv, Cos, Sin, Positions, shape, Neighbours, inverse);
}
