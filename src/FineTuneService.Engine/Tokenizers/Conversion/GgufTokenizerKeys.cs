using System.Text.Json;
using FineTuneService.Engine.Formats.Gguf;

namespace FineTuneService.Engine.Tokenizers.Conversion;

/// <summary>A tokenizer as GGUF's keys (tokenizer.ggml.*): byte-level BPE as gpt2, sentencepiece's BPE as llama.</summary>
internal static class GgufTokenizerKeys
{
    private const string Prefix = "tokenizer.ggml.";

    /// <param name="json">The text of tokenizer.json.</param>
    /// <param name="tokenizer">The tokenizer itself, with what the files beside say.</param>
    /// <param name="vocabularySize">Rows of the embedding table: llama.cpp wants a token for each.</param>
    /// <exception cref="TokenizerException">GGUF has no name for something that the tokenizer does.</exception>
    public static IEnumerable<KeyValuePair<string, GgufValue>> Of(string json, Tokenizer tokenizer, int vocabularySize)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        JsonElement root = document.RootElement, model = root.GetProperty("model");
        if (model.Text("type") is not (null or "BPE")) throw Refuse($"a {model.Text("type")} model");
        bool sentencePiece = model.Flag("byte_fallback");
        string[] tokens = Tokens(tokenizer, vocabularySize);
        (string Left, string Right)[] merges = [.. model.GetProperty("merges").EnumerateArray().Select(Parts)];
        var keys = new List<KeyValuePair<string, GgufValue>>
        {
            new(Prefix + "model", GgufValue.Of(sentencePiece ? "llama" : "gpt2")),
            new(Prefix + "pre", GgufValue.Of(sentencePiece ? "default" : PreTokenizerOf(root, model.Flag("ignore_merges")))),
            new(Prefix + "tokens", GgufValue.Of(GgufArray.Of(tokens))),
        };
        if (sentencePiece) keys.Add(new(Prefix + "scores", GgufValue.Of(GgufArray.Of(Scores(tokens, merges)))));
        keys.Add(new(Prefix + "token_type", GgufValue.Of(GgufArray.Of([.. tokens.Select((text, id) => (int)KindOf(tokenizer, id, text, sentencePiece))]))));
        if (sentencePiece) keys.Add(new(Prefix + "add_space_prefix", GgufValue.Of(HasPrefix(root))));
        else keys.Add(new(Prefix + "merges", GgufValue.Of(GgufArray.Of([.. merges.Select(merge => $"{merge.Left} {merge.Right}")]))));
        foreach ((string name, int? id) in (ReadOnlySpan<(string, int?)>)[("bos_token_id", tokenizer.BosId), ("eos_token_id", tokenizer.EosId),
            ("unknown_token_id", tokenizer.UnkToken is { } unknown ? tokenizer.IdOf(unknown) : null), ("padding_token_id", tokenizer.PadId)])
        {
            if (id is not null) keys.Add(new(Prefix + name, GgufValue.Of((uint)id.Value)));
        }
        (int[] plain, int[] around) = (tokenizer.Encode("a"), tokenizer.Encode("a", addSpecialTokens: true));
        keys.Add(new(Prefix + "add_bos_token", GgufValue.Of(around.Length > plain.Length && around[0] == tokenizer.BosId)));
        keys.Add(new(Prefix + "add_eos_token", GgufValue.Of(around.Length > plain.Length && around[^1] == tokenizer.EosId)));
        return keys;
    }

    private static string[] Tokens(Tokenizer tokenizer, int vocabularySize) =>
        [.. Enumerable.Range(0, Math.Max(vocabularySize, tokenizer.VocabularySize)).Select(id => tokenizer.TokenOf(id) ?? $"[PAD{id}]")];

    private static PieceKind KindOf(Tokenizer tokenizer, int id, string text, bool sentencePiece)
    {
        if (tokenizer.TokenOf(id) is null) return PieceKind.Unused;
        if (sentencePiece && text == tokenizer.UnkToken) return PieceKind.Unknown;
        if (tokenizer.IsAdded(text) is { } special) return special ? PieceKind.Control : PieceKind.UserDefined;
        return sentencePiece && text.Length == 6 && text.StartsWith("<0x", StringComparison.Ordinal) && text[5] == '>' ? PieceKind.Byte : PieceKind.Normal;
    }

    /// <summary>The earlier a token is merged, the better its score; what no merge makes comes after all that one makes.</summary>
    private static float[] Scores(string[] tokens, (string Left, string Right)[] merges)
    {
        var ranks = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int rank = 0; rank < merges.Length; rank++) ranks.TryAdd(merges[rank].Left + merges[rank].Right, rank);
        return [.. tokens.Select(token => -(float)ranks.GetValueOrDefault(token, merges.Length))];
    }

    private static bool HasPrefix(JsonElement root)
    {
        bool prefix = false;
        foreach (JsonElement step in Flat(Component(root, "normalizer"), "normalizers"))
        {
            if (step.Text("type") == "Prepend") prefix = true;
            else if (step.Text("type") != "Replace" || step.Text("content") != "\u2581") throw Refuse($"the normalizer {step.Text("type")} of a sentencepiece tokenizer");
        }
        foreach (JsonElement step in Flat(Component(root, "pre_tokenizer"), "pretokenizers"))
        {
            if (step.Text("type") == "Metaspace") prefix |= step.Text("prepend_scheme") != "never";
            else if (step.Text("type") != "Split" || step.GetProperty("pattern").Text("String") != " ") throw Refuse($"the pre-tokenizer {step.Text("type")} of a sentencepiece tokenizer");
        }
        return prefix;
    }

    private static string PreTokenizerOf(JsonElement root, bool ignoreMerges)
    {
        string[] patterns = [.. Flat(Component(root, "pre_tokenizer"), "pretokenizers").SelectMany(Patterns)];
        string? normalizer = Component(root, "normalizer") is { } component ? component.Text("type") : null;
        return PreTokenizerRule.NameOf(patterns, ignoreMerges, normalizer) ?? throw Refuse($"a tokenizer that cuts words by {string.Join(" and then ", patterns)}");
    }

    private static IEnumerable<string> Patterns(JsonElement step) => step.Text("type") switch
    {
        "Split" when step.Text("behavior") == "Isolated" && !step.Flag("invert") && step.GetProperty("pattern").Text("Regex") is { } pattern => [pattern],
        "Digits" when step.Flag("individual_digits") => [PreTokenizerRule.Digit],
        "ByteLevel" when !step.Flag("add_prefix_space", absent: true) => step.Flag("use_regex", absent: true) ? [PreTokenizerRule.Gpt2] : [],
        var type => throw Refuse($"the pre-tokenizer {type}, or its settings"),
    };

    private static IEnumerable<JsonElement> Flat(JsonElement? component, string steps) => component is not { } one ? []
        : one.Text("type") == "Sequence" ? one.GetProperty(steps).EnumerateArray().SelectMany(step => Flat(step, steps)) : [one];

    private static JsonElement? Component(JsonElement root, string name) => root.TryGetProperty(name, out JsonElement json) && json.ValueKind == JsonValueKind.Object ? json : null;

    private static (string, string) Parts(JsonElement merge)
    {
        if (merge.ValueKind == JsonValueKind.Array) return (merge[0].GetString()!, merge[1].GetString()!);
        string text = merge.GetString()!;
        int space = text.IndexOf(' ', 1);
        return (text[..space], text[(space + 1)..]);
    }

    private static TokenizerException Refuse(string what) => new($"the tokenizer cannot be written as GGUF, which has no name for {what}");
}
