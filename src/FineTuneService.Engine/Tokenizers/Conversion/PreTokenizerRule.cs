namespace FineTuneService.Engine.Tokenizers.Conversion;

/// <summary>How byte-level BPE vocabularies cut text into words, by the name that llama.cpp gives each family's tokenizer.json (tokenizer.ggml.pre).</summary>
/// <param name="Patterns">Regular expressions of the families' own tokenizer.json; each cuts what those before it left.</param>
/// <param name="IgnoreMerges">A word of the vocabulary is taken whole.</param>
/// <param name="AddBos">Whether a text begins with a BOS where the file does not say.</param>
/// <param name="Normalizer">Its type in tokenizer.json, or null for none.</param>
internal sealed record PreTokenizerRule(IReadOnlyList<string> Patterns, bool IgnoreMerges = false, bool AddBos = false, string? Normalizer = null)
{
    public const string Gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
    public const string Digit = @"\p{N}";

    /// <summary>GPT-4's shape: words with one character before them, numbers of so many digits, punctuation with its line ends.</summary>
    private static string Gpt4(string number) =>
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|" + number + @"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>o200k's shape: words are cut where a capital follows a small letter.</summary>
    private static string O200k(string contraction, string number)
    {
        const string Upper = @"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", Lower = @"[\p{Ll}\p{Lm}\p{Lo}\p{M}]", Before = @"[^\r\n\p{L}\p{N}]?";
        return $"{Before}{Upper}*{Lower}+{contraction}|{Before}{Upper}+{Lower}*{contraction}|{number}" + @"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    }

    private static readonly PreTokenizerRule s_gpt2 = new([Gpt2]), s_digits = new([Digit, Gpt2]),
        s_llama3 = new([Gpt4(@"\p{N}{1,3}")], IgnoreMerges: true, AddBos: true), s_qwen2 = new([Gpt4(Digit)]),
        s_o200k = new([O200k("(?i:'s|'t|'re|'ve|'m|'ll|'d)?", @"\p{N}{1,3}")]);

    private static readonly Dictionary<string, PreTokenizerRule> s_rules = new(StringComparer.Ordinal)
    {
        ["gpt-2"] = s_gpt2,
        ["phi-2"] = s_gpt2,
        ["mpt"] = s_gpt2,
        ["olmo"] = s_gpt2,
        ["jais"] = s_gpt2,
        ["exaone4"] = s_gpt2,
        ["starcoder"] = s_digits,
        ["refact"] = s_digits,
        ["command-r"] = s_digits with { Normalizer = "NFC" },
        ["smollm"] = s_digits,
        ["codeshell"] = s_digits,
        ["exaone"] = s_digits,
        ["minerva-7b"] = s_digits,
        ["llama3"] = s_llama3,
        ["llama-v3"] = s_llama3,
        ["llama-bpe"] = s_llama3,
        ["falcon3"] = s_llama3,
        ["falcon-h1"] = s_llama3,
        ["pixtral"] = s_llama3,
        ["lfm2"] = s_llama3,
        ["dbrx"] = new([Gpt4(@"\p{N}{1,3}")]),
        ["smaug-bpe"] = new([Gpt4(@"\p{N}{1,3}")]),
        ["chatglm-bpe"] = new([Gpt4(@"\p{N}{1,3}")]),
        ["glm4"] = new([Gpt4(@"\p{N}{1,3}")]),
        ["qwen2"] = s_qwen2 with { Normalizer = "NFC" },
        ["deepseek-r1-qwen"] = s_qwen2 with { Normalizer = "NFC" },
        ["stablelm2"] = s_qwen2,
        ["megrez"] = s_qwen2,
        ["hunyuan"] = s_qwen2,
        ["tekken"] = new([O200k("", Digit)], IgnoreMerges: true, AddBos: true),
        ["gpt-4o"] = s_o200k,
        ["llama4"] = s_o200k,
        ["falcon"] = new([@"[\p{P}\$\+<=>\^~\|`]+", Gpt2, "[0-9][0-9][0-9]"]),
        ["default"] = new([@"[\p{P}\$\+<=>\^~\|]+", Gpt2, @"\p{N}+", "[0-9][0-9][0-9]"]),
    };

    /// <summary>The first name of a rule; null where none is so.</summary>
    public static string? NameOf(IEnumerable<string> patterns, bool ignoreMerges, string? normalizer) => s_rules
        .FirstOrDefault(rule => rule.Value.IgnoreMerges == ignoreMerges && rule.Value.Normalizer == normalizer && rule.Value.Patterns.SequenceEqual(patterns)).Key;

    /// <exception cref="TokenizerException">The name is not known: guessing would cut words wrongly, which nobody would notice.</exception>
    public static PreTokenizerRule Of(string name) => s_rules.TryGetValue(name, out PreTokenizerRule? rule) ? rule
        : throw new TokenizerException($"tokenizer.ggml.pre: the pre-tokenizer '{name}' is not supported");
}
