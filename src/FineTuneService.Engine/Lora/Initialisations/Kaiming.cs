using FineTuneService.Engine.Compute;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Lora.Initialisations;

/// <summary>PEFT's default: A uniform in ±1/√in, drawn by counter.</summary>
internal sealed class Kaiming : Initialisation
{
    public override void Fill(JoinedLoraPart part, ModuleWeights weights, CounterRandom random)
    {
        float bound = 1 / MathF.Sqrt(part.A.shape[1]);
        using Tensor drawn = tensor(random.Uniform(part.A.numel(), -bound, bound));
        part.A.copy_(drawn.view(part.A.shape));
    }
}
