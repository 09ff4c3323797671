using FineTuneService.Engine.Compute;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Lora.Initialisations;

/// <summary>
/// LoftQ, https://arxiv.org/abs/2310.08659, with one iteration as in PEFT: B·A begins as the largest singular values of what quantization took
/// off the weight, so that the quantised base and the new adapter together are nearer to the original.
/// </summary>
internal sealed class Loftq : Initialisation
{
    public override bool NeedsQuantizedBase => true;

    public override void Fill(JoinedLoraPart part, ModuleWeights weights, CounterRandom random)
    {
        RequireRank(part);
        using var scope = NewDisposeScope();
        (Tensor u, Tensor s, Tensor vh) = linalg.svd(weights.Original() - weights.Held(), fullMatrices: false);
        Take(part, u, s, vh);
    }
}
