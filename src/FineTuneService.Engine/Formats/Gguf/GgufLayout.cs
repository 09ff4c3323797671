using System.Globalization;

namespace FineTuneService.Engine.Formats.Gguf;

/// <summary>How llama.cpp's converter writes a family: names, what it does to values, and which keys of config.json its own stand for.</summary>
/// <param name="Architecture">general.architecture.</param>
/// <param name="ModelType">config.json's model_type.</param>
/// <param name="ModelClass">config.json's architectures[0].</param>
internal sealed record GgufLayout(string Architecture, string ModelType, string ModelClass)
{
    private const string BlockPrefix = "blk.", Index = "{0}";

    /// <summary>GGUF's names of a block's modules, and Hugging Face's. With {0} there, as many of them lie one after the other in one tensor.</summary>
    public required IReadOnlyDictionary<string, string> Block { get; init; }

    /// <summary>The same for modules outside of blocks.</summary>
    public IReadOnlyDictionary<string, string> Outer { get; init; } = LayoutNames.Outer;

    /// <summary>Hugging Face's name of a block, up to its number.</summary>
    public string LayerPrefix { get; init; } = "model.layers.";

    /// <summary>Tensors whose rows GGUF orders otherwise, by GGUF's name of the module.</summary>
    public IReadOnlyDictionary<string, RowOrder> Orders { get; init; } = new Dictionary<string, RowOrder>();

    /// <summary>RMSNorm weights are stored as 1 + w.</summary>
    public bool NormsPlusOne { get; init; }

    /// <summary>config.json's name of what norms add to the variance; GGUF tells RMS norms from layer norms.</summary>
    public string Epsilon { get; init; } = "rms_norm_eps";

    /// <summary>A key says whether both branches read the same stream.</summary>
    public bool SaysParallel { get; init; }

    /// <summary>The file's logit_scale divides logits (Granite); else it multiplies them.</summary>
    public bool LogitScaleDivides { get; init; }

    /// <summary>llama.cpp's graph of the family has a head of its own (false: the embedding table is the head; null: either).</summary>
    public bool? OwnHead { get; init; }

    /// <summary>Writes what config.json has of the family beside what all have.</summary>
    public Action<GgufReading> Settings { get; init; } = _ => { };

    public string EpsilonKey => Epsilon.StartsWith("rms", StringComparison.Ordinal) ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon";

    public bool HasExperts => Block.ContainsKey("ffn_gate_exps");

    /// <summary>Hugging Face's name of a tensor, with {0} where it is one of several in it; null where the family has none of it.</summary>
    public string? ToHuggingFace(string name)
    {
        (string module, string kind) = Split(name);
        if (Outer.TryGetValue(module, out string? outer)) return outer + kind;
        if (!module.StartsWith(BlockPrefix, StringComparison.Ordinal)) return null;
        string[] parts = module[BlockPrefix.Length..].Split('.', 2);
        return parts.Length == 2 && IsNumber(parts[0]) && Block.TryGetValue(parts[1], out string? inner) ? $"{LayerPrefix}{parts[0]}.{inner}{kind}" : null;
    }

    /// <summary>GGUF's name of a tensor, and which one it is of several there; null where the family has none of it.</summary>
    public (string Name, int? Index)? ToGguf(string name)
    {
        (string module, string kind) = Split(name);
        if (Outer.FirstOrDefault(pair => pair.Value == module).Key is { } outer) return (outer + kind, null);
        if (!module.StartsWith(LayerPrefix, StringComparison.Ordinal)) return null;
        string[] parts = module[LayerPrefix.Length..].Split('.', 2);
        if (parts.Length != 2 || !IsNumber(parts[0])) return null;
        foreach ((string gguf, string inner) in Block)
        {
            if (IsOf(inner, parts[1], out int? index)) return ($"{BlockPrefix}{parts[0]}.{gguf}{kind}", index);
        }
        return null;
    }

    /// <summary>The order of a tensor's rows by its GGUF name; null where it is transformers' own.</summary>
    public RowOrder? OrderOf(string name) => Orders.GetValueOrDefault(Module(name));

    /// <summary>Whether the tensor of this GGUF name holds 1 + w.</summary>
    public bool IsPlusOne(string name) => NormsPlusOne && name.EndsWith("norm.weight", StringComparison.Ordinal);

    /// <summary>GGUF's name of a tensor's module within its block.</summary>
    public static string Module(string name) => Split(name).Module is var module && module.StartsWith(BlockPrefix, StringComparison.Ordinal)
        ? module[(module.LastIndexOf('.') + 1)..] : module;

    private static bool IsOf(string pattern, string module, out int? index)
    {
        index = null;
        if (pattern.IndexOf(Index, StringComparison.Ordinal) is not (>= 0 and var at)) return pattern == module;
        string end = pattern[(at + Index.Length)..];
        if (!module.StartsWith(pattern[..at], StringComparison.Ordinal) || !module.EndsWith(end, StringComparison.Ordinal) || module.Length <= pattern.Length - Index.Length) return false;
        if (!int.TryParse(module.AsSpan()[at..^end.Length], NumberStyles.None, CultureInfo.InvariantCulture, out int number)) return false;
        index = number;
        return true;
    }

    private static (string Module, string Kind) Split(string name) => name.LastIndexOf('.') is > 0 and var dot && name[dot..] is ".weight" or ".bias"
        ? (name[..dot], name[dot..]) : (name, "");

    private static bool IsNumber(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _);
}
