using static TorchSharp.torch;

namespace FineTuneService.Engine.Lora;

/// <summary>
/// An adapter as one of the base as it is, in PEFT's files. What counts as taken off the base (PiSSA, OLoRA) becomes part of the adapter, as PEFT
/// converts it: B·A - B₀·A₀ = [B, -B₀]·[A; A₀], of twice the rank.
/// </summary>
internal static class ConvertedAdapter
{
    /// <summary>Ranks and alphas are doubled; under rsLoRA, whose scaling is alpha / √rank, alphas are times √2.</summary>
    public static LoraConfig ConfigOf(Adapter adapter)
    {
        LoraConfig config = adapter.Config;
        if (adapter.Removed is null) return config;
        double alphas = config.UseRslora ? Math.Sqrt(2) : 2;
        return config with
        {
            Rank = 2 * config.Rank,
            Alpha = alphas * config.Alpha,
            RankPattern = new OrderedDictionary<string, int>(config.RankPattern.Select(entry => KeyValuePair.Create(entry.Key, 2 * entry.Value))),
            AlphaPattern = new OrderedDictionary<string, double>(config.AlphaPattern.Select(entry => KeyValuePair.Create(entry.Key, alphas * entry.Value))),
            Initialisation = new LoraConfig().Initialisation,
        };
    }

    /// <summary>Every tensor by PEFT's key; the caller's scope disposes them.</summary>
    public static IEnumerable<KeyValuePair<string, Tensor>> TensorsOf(Adapter adapter)
    {
        var joined = new Dictionary<string, Func<Tensor, Tensor>>();
        foreach (JoinedLoraPart part in adapter.Removed?.Parts ?? [])
        {
            joined.Add(PeftKeys.A(part.Module), a => cat([a, part.A], 0));
            joined.Add(PeftKeys.B(part.Module), b => cat([b, part.B.neg()], 1));
        }
        foreach ((string key, View view) in adapter.Values.Layout.Views)
        {
            Tensor value = view.In(adapter.Values.Flat);
            yield return KeyValuePair.Create(key, joined.TryGetValue(key, out Func<Tensor, Tensor>? join) ? join(value) : value);
        }
    }
}
