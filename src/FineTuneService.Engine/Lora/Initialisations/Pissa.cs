using FineTuneService.Engine.Compute;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Lora.Initialisations;

/// <summary>
/// PiSSA, https://arxiv.org/abs/2404.02948: the weight's largest singular values and their vectors are trained, and what is left of the weight
/// stays frozen.
/// </summary>
/// <param name="iterations">PEFT's pissa_niter_N: so many steps of subspace iteration from a random start, in place of a whole decomposition.</param>
internal sealed class Pissa(int? iterations = null) : Initialisation
{
    public override bool ChangesBase => true;

    public override void Fill(JoinedLoraPart part, ModuleWeights weights, CounterRandom random)
    {
        RequireRank(part);
        using var scope = NewDisposeScope();
        Tensor weight = weights.Held();
        (Tensor u, Tensor s, Tensor vh) = iterations is { } steps ? Near(weight, part.Rank, steps, random) : linalg.svd(weight, fullMatrices: false);
        Take(part, u, s, vh);
    }

    /// <summary>torch.svd_lowrank: Halko et al., https://arxiv.org/abs/0909.4061, algorithms 4.4 and 5.1.</summary>
    private static (Tensor U, Tensor S, Tensor Vh) Near(Tensor weight, int rank, int steps, CounterRandom random)
    {
        Tensor start = empty([weight.shape[1], rank], device: weight.device);
        Gaussian.Draw(start, 1, random);
        Tensor basis = linalg.qr(weight.mm(start)).Q;
        for (int i = 0; i < steps; i++) basis = linalg.qr(weight.mm(linalg.qr(weight.t().mm(basis)).Q)).Q;
        (Tensor u, Tensor s, Tensor vh) = linalg.svd(basis.t().mm(weight), fullMatrices: false);
        return (basis.mm(u), s, vh);
    }
}
