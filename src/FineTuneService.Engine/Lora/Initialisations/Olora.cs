using FineTuneService.Engine.Compute;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Lora.Initialisations;

/// <summary>OLoRA, https://arxiv.org/abs/2406.01775: B is the first columns of Q and A the first rows of R, of the weight's QR decomposition.</summary>
internal sealed class Olora : Initialisation
{
    public override bool ChangesBase => true;

    public override void Fill(JoinedLoraPart part, ModuleWeights weights, CounterRandom random)
    {
        RequireRank(part);
        using var scope = NewDisposeScope();
        (Tensor q, Tensor r) = linalg.qr(weights.Held());
        part.A.copy_(r.narrow(0, 0, part.Rank));
        part.B.copy_(q.narrow(1, 0, part.Rank));
    }
}
