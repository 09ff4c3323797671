using FineTuneService.Engine.Models;
using static TorchSharp.torch;

namespace FineTuneService.Eager;

/// <summary>What attention over the positions 0 … length - 1 needs of them.</summary>
/// <param name="Cos">[length, headDim], the two halves alike.</param>
/// <param name="Mask">[length, length]: minus infinity at keys that lie ahead, 0 elsewhere.</param>
internal sealed record EagerPositions(Tensor Cos, Tensor Sin, Tensor Mask)
{
    public static EagerPositions Of(ModelConfig config, long length, ScalarType dtype)
    {
        Tensor frequencies = (arange(0, config.HeadDim, 2, float32) * (-Math.Log(config.RopeTheta) / config.HeadDim)).exp();
        Tensor half = arange(length, dtype: float32).unsqueeze(1) * frequencies.unsqueeze(0);
        Tensor angles = cat([half, half], -1);
        Tensor future = ones([length, length], @bool).triu(1);
        Tensor mask = zeros([length, length], dtype).masked_fill_(future, float.NegativeInfinity);
        return new EagerPositions(angles.cos().to_type(dtype), angles.sin().to_type(dtype), mask);
    }
}
