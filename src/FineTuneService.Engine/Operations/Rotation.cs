using FineTuneService.Engine.Kernels;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Operations;

/// <summary>Turns the queries and keys of a batch by their positions (https://arxiv.org/abs/2104.09864), halves of a head paired.</summary>
/// <param name="Cos">[positions, headDim / 2] fp32.</param>
/// <param name="Positions">int64 [tokens].</param>
internal sealed record Rotation(Tensor Cos, Tensor Sin, Tensor Positions)
{
    /// <param name="qkv">[tokens, (heads + 2·kvHeads)·headDim]: queries and keys are turned in place.</param>
    /// <param name="inverse">Turns back: the backward.</param>
    public void Apply(Tensor qkv, AttentionShape shape, bool inverse = false) =>
        RotaryKernel.Apply(qkv, Cos, Sin, Positions, shape.Heads + shape.KeyValueHeads, shape.HeadDim, inverse);
}
