using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Lora;

/// <summary>
/// Adapters of one base made into one, as PEFT's add_weighted_adapter does it (peft/tuners/lora/model.py). With weights wᵢ and scalings sᵢ: linear is
/// A = Σ sign(wᵢ)·√(|wᵢ|·sᵢ)·Aᵢ and B = Σ √(|wᵢ|·sᵢ)·Bᵢ; cat and svd are Σ wᵢ·sᵢ·Bᵢ·Aᵢ. The result's alpha is its rank, so that its own scaling is 1.
/// </summary>
internal static class CombinedAdapter
{
    /// <param name="model">The base's tensors.</param>
    /// <param name="rank">Of svd's result; null: the largest of the adapters' ranks.</param>
    /// <param name="betweenModules">Called between modules: others may work meanwhile.</param>
    /// <exception cref="AdapterException">An adapter cannot be combined so, or not with these; the message names it.</exception>
    public static Adapter Of(ModelSlots model, IReadOnlyList<WeightedAdapter> adapters, CombinationType type, int? rank = null, Action? betweenModules = null)
    {
        CombinedPart[] parts = Parts(model, adapters, type, rank);
        Adapter joined = Adapter.Empty(model, CombinedConfig.Of(model, Ranks(parts, type)), CPU);
        try
        {
            var taken = new Dictionary<string, int>();
            foreach (CombinedPart part in parts) Add(joined, part, model, type, taken, betweenModules);
            RequireFinite(joined);
            joined.Changed();
            if (type != CombinationType.Svd) return joined;
            using (joined) return ReducedAdapter.Of(joined, model, rank ?? Usual(parts), betweenModules);
        }
        catch
        {
            joined.Dispose();
            throw;
        }
    }

    /// <summary>Bytes of the result's tensors: ranks are known before any is read.</summary>
    /// <inheritdoc cref="Of"/>
    public static long Bytes(ModelSlots model, IReadOnlyList<WeightedAdapter> adapters, CombinationType type, int? rank)
    {
        CombinedPart[] parts = Parts(model, adapters, type, rank);
        OrderedDictionary<string, int> ranks = Ranks(parts, type);
        if (type == CombinationType.Svd) foreach (string module in ranks.Keys.ToArray()) ranks[module] = rank ?? Usual(parts);
        return LoraLayout.OfMatching(model, CombinedConfig.Of(model, ranks)).Length * sizeof(float);
    }

    private static CombinedPart[] Parts(ModelSlots model, IReadOnlyList<WeightedAdapter> adapters, CombinationType type, int? rank)
    {
        if (adapters.Count is < 1 or > WeightedAdapter.Most) throw new AdapterException($"a combination is of 1 to {WeightedAdapter.Most} adapters, not of {adapters.Count}");
        if (adapters.FirstOrDefault(part => !(Math.Abs(part.Weight) <= WeightedAdapter.LargestWeight)) is { } wrong)
            throw new AdapterException($"the weight {wrong.Weight} of {wrong.Name} is not within -{WeightedAdapter.LargestWeight}…{WeightedAdapter.LargestWeight}");
        if (type == CombinationType.Svd && rank is < 1 or > LoraConfig.LargestRank) throw new AdapterException($"svd_rank {rank} is not in 1…{LoraConfig.LargestRank}");
        return [.. adapters.Select(adapter => CombinedPart.Of(adapter, model))];
    }

    private static int Usual(IReadOnlyList<CombinedPart> parts) => parts.Max(part => part.Config.Rank);

    /// <summary>The rank of each module of the result; svd is of what cat makes.</summary>
    private static OrderedDictionary<string, int> Ranks(IReadOnlyList<CombinedPart> parts, CombinationType type)
    {
        var ranks = new OrderedDictionary<string, int>();
        foreach (CombinedPart part in parts)
        {
            foreach ((string module, int rank) in part.Ranks)
            {
                int before = ranks.GetValueOrDefault(module);
                if (type == CombinationType.Linear && before > 0 && before != rank)
                    throw new AdapterException($"linear needs equal ranks, and {module} has {before} and, in {part.Adapter.Name}, {rank}; use cat or svd");
                ranks[module] = type == CombinationType.Linear ? rank : before + rank;
                if (ranks[module] > LoraConfig.LargestRank) throw new AdapterException($"the adapters' ranks on {module} come to more than {LoraConfig.LargestRank}; combine fewer");
            }
        }
        return ranks;
    }

    /// <param name="taken">Ranks of each module that earlier adapters have filled, of cat and svd.</param>
    private static void Add(Adapter joined, CombinedPart part, ModelSlots model, CombinationType type, Dictionary<string, int> taken, Action? betweenModules)
    {
        using Adapter adapter = PeftFolder.Load(part.Adapter.Folder, model, CPU);
        Dictionary<string, LowRank> into = LowRank.Of(joined.Values).ToDictionary(pair => pair.Module);
        foreach (LowRank pair in LowRank.Of(adapter.Values))
        {
            using (NewDisposeScope())
            {
                LowRank sum = into[pair.Module];
                double factor = part.Adapter.Weight * pair.Scaling;
                if (type == CombinationType.Linear)
                {
                    double root = Math.Sqrt(Math.Abs(factor));
                    sum.A.add_(pair.A, alpha: Math.Sign(factor) * root);
                    sum.B.add_(pair.B, alpha: root);
                }
                else
                {
                    int first = taken.GetValueOrDefault(pair.Module);
                    taken[pair.Module] = first + pair.Rank;
                    sum.A.narrow(0, first, pair.Rank).copy_(pair.A * factor);
                    sum.B.narrow(1, first, pair.Rank).copy_(pair.B);
                }
            }
            betweenModules?.Invoke();
        }
    }

    private static void RequireFinite(Adapter adapter)
    {
        using var scope = NewDisposeScope();
        if (!adapter.Values.Flat.isfinite().all().item<bool>()) throw new AdapterException("the combination has numbers that are too large; use smaller weights");
    }
}
