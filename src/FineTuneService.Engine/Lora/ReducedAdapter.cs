using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Lora;

/// <summary>
/// The best approximation of an adapter by one of a given rank (Eckart and Young): the largest singular values of each scaling · B·A. That product is never made:
/// with B = Qb·Rb and Aᵀ = Qa·Ra its singular values are those of Rb·Raᵀ, which has as many rows and columns as the adapter has ranks.
/// </summary>
internal static class ReducedAdapter
{
    /// <summary>As PEFT's svd has it: A is Vᵀ's rows, and B is U's columns times the singular values. Ranks beyond a module's own are zeros.</summary>
    /// <param name="adapter">Low-rank matrices alone.</param>
    public static Adapter Of(Adapter adapter, ModelSlots model, int rank, Action? betweenModules)
    {
        LowRank[] pairs = [.. LowRank.Of(adapter.Values)];
        Adapter reduced = Adapter.Empty(model, CombinedConfig.Of(model, pairs.ToDictionary(pair => pair.Module, _ => rank)), CPU);
        try
        {
            Dictionary<string, LowRank> into = LowRank.Of(reduced.Values).ToDictionary(pair => pair.Module);
            foreach (LowRank pair in pairs)
            {
                Fill(into[pair.Module], pair);
                betweenModules?.Invoke();
            }
            return reduced;
        }
        catch
        {
            reduced.Dispose();
            throw;
        }
    }

    private static void Fill(LowRank into, LowRank pair)
    {
        using var scope = NewDisposeScope();
        (Tensor qb, Tensor rb) = linalg.qr(pair.B.to_type(ScalarType.Float64));
        (Tensor qa, Tensor ra) = linalg.qr(pair.A.to_type(ScalarType.Float64).t() * pair.Scaling);
        (Tensor u, Tensor s, Tensor vh) = linalg.svd(rb.mm(ra.t()), fullMatrices: false);
        long kept = Math.Min(into.Rank, s.shape[0]);
        into.A.narrow(0, 0, kept).copy_(vh.narrow(0, 0, kept).mm(qa.t()));
        into.B.narrow(1, 0, kept).copy_(qb.mm(u.narrow(1, 0, kept) * s.narrow(0, 0, kept)));
    }
}
