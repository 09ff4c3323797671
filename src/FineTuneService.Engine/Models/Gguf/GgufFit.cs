using System.Collections;
using System.Reflection;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Formats.Gguf;

namespace FineTuneService.Engine.Models.Gguf;

/// <summary>Whether a GGUF file would say what a model is: its traits, read back out of the keys, are compared with the model's own.</summary>
internal static class GgufFit
{
    /// <summary>Traits that no forward depends on, or that are compared otherwise.</summary>
    private static readonly HashSet<string> s_passedOver =
    [
        nameof(ModelConfig.Json), nameof(ModelConfig.InitializerRange), nameof(ModelConfig.BosId), nameof(ModelConfig.EosIds), nameof(ModelConfig.RopeScaling), nameof(ModelConfig.ParameterCount),
        nameof(ModelConfig.AttentionScale),
    ];

    /// <summary>What a reader of the file takes the model for.</summary>
    /// <exception cref="ModelException">It would refuse the file; the message says why.</exception>
    public static ModelConfig Read(GgufMetadata metadata, IReadOnlyCollection<GgufOutput> tensors, GgufLayout layout)
    {
        try
        {
            using var source = new GgufOutputs(tensors);
            return ModelConfig.Parse(GgufConfig.Of(metadata, source, layout));
        }
        catch (Exception refused) when (refused is GgufException or ModelException)
        {
            throw new ModelException($"the model cannot be written as GGUF: {refused.Message}");
        }
    }

    /// <summary>
    /// What queries must be multiplied by where readers scale scores otherwise than the model does: Gemma 2 and 3 have no key for it, and so the
    /// file has it in its weights.
    /// </summary>
    public static double QueryFactor(ModelConfig config, ModelConfig read)
    {
        double own = Scale(config), others = Scale(read);
        return Same(own, others) ? 1 : own / others;

        static double Scale(ModelConfig model) => model.AttentionScale ?? 1 / Math.Sqrt(model.HeadDim);
    }

    /// <exception cref="ModelException">Something of the model has no place in GGUF; the message names it.</exception>
    public static void Require(ModelConfig config, ModelConfig read)
    {
        foreach (PropertyInfo trait in typeof(ModelConfig).GetProperties().Where(trait => !s_passedOver.Contains(trait.Name)))
        {
            if (!Same(trait.GetValue(config), trait.GetValue(read))) throw new ModelException($"the model cannot be written as GGUF, which has no key for its {Words(trait.Name)}.");
        }
        if (!TurnAlike(config, read)) throw new ModelException($"the model cannot be written as GGUF, which has no key for its rope scaling ({config.RopeScaling?.GetType().Name ?? "none"}).");
    }

    private static string Words(string trait) => trait switch
    {
        nameof(ModelConfig.LayerTraits) => "layers: which have a window, rotary embedding or experts",
        nameof(ModelConfig.Gate) => "activation function",
        _ => trait,
    };

    private static bool Same(object? one, object? other) => (one, other) switch
    {
        (float a, float b) => Math.Abs(a - b) <= 1e-6 * Math.Abs(a),
        (double a, double b) => Math.Abs(a - b) <= 1e-6 * Math.Abs(a), // Keys are fp32.
        (IEnumerable a, IEnumerable b) => a.Cast<object>().SequenceEqual(b.Cast<object>()),
        _ => Equals(one, other),
    };

    /// <summary>Both turn positions alike, whatever they call it: Llama 3's scaling is stored as the divisors that it comes to.</summary>
    private static bool TurnAlike(ModelConfig config, ModelConfig read)
    {
        foreach (int length in (int[])[1, config.MaxPositions, 2 * config.MaxPositions])
        {
            RotaryFrequencies own = RotaryFrequencies.Of(config.Rope(RopeUse.Global), length), stored = RotaryFrequencies.Of(read.Rope(RopeUse.Global), length);
            if (!Same(own.Scaling, stored.Scaling) || own.Inverse.Length != stored.Inverse.Length) return false;
            if (own.Inverse.Zip(stored.Inverse).Any(pair => !Same(pair.First, pair.Second))) return false;
        }
        return true;
    }
}
