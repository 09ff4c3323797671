using System.Text.Json.Nodes;
using FineTuneService.Engine.Formats.Gguf;

namespace FineTuneService.Engine.Tokenizers.Conversion;

/// <summary>
/// The tokenizer in a GGUF file's metadata (tokenizer.ggml.*), as tokenizer.json and tokenizer_config.json: byte-level BPE (gpt2), and
/// sentencepiece's BPE (llama) and unigram (t5).
/// </summary>
internal static class GgufTokenizer
{
    private const string Prefix = "tokenizer.ggml.";
    private const int MostTokens = 1 << 21;

    /// <returns>Null where the file has no tokenizer.</returns>
    /// <exception cref="GgufException">The metadata contradict themselves.</exception>
    /// <exception cref="TokenizerException">A kind of tokenizer that is not supported.</exception>
    public static TokenizerFiles? Read(GgufMetadata metadata)
    {
        string? model = metadata.Text(Prefix + "model");
        if (model is null or "none" or "no_vocab") return null;
        IReadOnlyList<VocabularyPiece> pieces = Pieces(metadata);
        (int? bos, int? eos) = (Id("bos_token_id"), Id("eos_token_id"));
        PreTokenizerRule? rule = model == "gpt2" ? PreTokenizerRule.Of(metadata.Text(Prefix + "pre") ?? "default") : null;
        bool begin = metadata.Flag(Prefix + "add_bos_token") ?? rule?.AddBos ?? model == "llama", end = metadata.Flag(Prefix + "add_eos_token") ?? model == "t5";
        JsonObject? around = TokenizerJson.Around(begin ? bos : null, end ? eos : null, pieces);
        string json = model switch
        {
            "gpt2" => ByteLevel(metadata, pieces, rule!, around),
            "llama" or "t5" => SentencePiece(metadata, pieces, around, unigram: model == "t5"),
            _ => throw new TokenizerException($"{metadata.File}: the tokenizer model '{model}' is not supported"),
        };
        return new TokenizerFiles(json, Config(metadata, pieces, begin, end).ToJsonString());

        int? Id(string name) => IdOf(metadata, name, pieces);
    }

    private static VocabularyPiece[] Pieces(GgufMetadata metadata)
    {
        string[] tokens = metadata.Texts(Prefix + "tokens") ?? throw metadata.Refuse($"{Prefix}tokens is missing");
        if (tokens.Length > MostTokens) throw metadata.Refuse($"{Prefix}tokens has {tokens.Length} tokens; at most {MostTokens} are read");
        double[]? scores = OfEach("scores"), types = OfEach("token_type");
        return [.. tokens.Select((text, id) => new VocabularyPiece(text, scores?[id] ?? 0, Kind(types?[id] ?? 1)))];

        double[]? OfEach(string name) => metadata.Numbers(Prefix + name) is not { } numbers || numbers.Length == tokens.Length ? metadata.Numbers(Prefix + name)
            : throw metadata.Refuse($"{Prefix}{name} has {numbers.Length} entries for {tokens.Length} tokens");

        PieceKind Kind(double type) => type is >= 1 and <= 6 ? (PieceKind)type : type == 0 ? PieceKind.Normal : throw metadata.Refuse($"{Prefix}token_type holds {type}; types are 1 to 6");
    }

    private static string ByteLevel(GgufMetadata metadata, IReadOnlyList<VocabularyPiece> pieces, PreTokenizerRule rule, JsonObject? around)
    {
        string[] merges = metadata.Texts(Prefix + "merges") ?? throw metadata.Refuse($"{Prefix}merges is missing");
        JsonObject bytes = new() { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = false };
        var cuts = new JsonArray([.. rule.Patterns.Select(pattern => new JsonObject
        {
            ["type"] = "Split",
            ["pattern"] = new JsonObject { ["Regex"] = pattern },
            ["behavior"] = "Isolated",
            ["invert"] = false,
        }), bytes.DeepClone()]);
        var components = new JsonObject
        {
            ["normalizer"] = rule.Normalizer is null ? null : new JsonObject { ["type"] = rule.Normalizer },
            ["pre_tokenizer"] = new JsonObject { ["type"] = "Sequence", ["pretokenizers"] = cuts },
            ["post_processor"] = around,
            ["decoder"] = bytes,
        };
        return TokenizerJson.Write(pieces, components, json => TokenizerJson.WriteBpe(json, pieces, merges.Select(Parts), null, byteFallback: false, rule.IgnoreMerges));

        (string, string) Parts(string merge) => merge.IndexOf(' ', Math.Min(1, merge.Length)) is > 0 and var space
            ? (merge[..space], merge[(space + 1)..]) : throw metadata.Refuse($"{Prefix}merges: '{merge}' is not a merge of two tokens");
    }

    private static string SentencePiece(GgufMetadata metadata, IReadOnlyList<VocabularyPiece> pieces, JsonObject? around, bool unigram)
    {
        bool prefix = metadata.Flag(Prefix + "add_space_prefix") ?? true, extra = metadata.Flag(Prefix + "remove_extra_whitespaces") ?? false;
        byte[] map = metadata.Values.GetValueOrDefault(Prefix + "precompiled_charsmap")?.Value is GgufArray { Element: GgufValueType.UInt8 or GgufValueType.Int8 } list ? list.Bytes : [];
        var components = new JsonObject
        {
            ["normalizer"] = SentencePieceParts.Normalizer(prefix, unigram && extra, map),
            ["post_processor"] = around,
            ["decoder"] = SentencePieceParts.Decoder(prefix),
        };
        int unknown = IdOf(metadata, "unknown_token_id", pieces) ?? pieces.ToList().FindIndex(piece => piece.Kind == PieceKind.Unknown);
        bool bytes = pieces.Any(piece => piece.Kind == PieceKind.Byte);
        return TokenizerJson.Write(pieces, components, json =>
        {
            if (unigram) TokenizerJson.WriteUnigram(json, pieces, unknown, bytes);
            else TokenizerJson.WriteBpe(json, pieces, ScoredMerges.Of(pieces), unknown < 0 ? null : pieces[unknown].Text, bytes, ignoreMerges: false);
        }, SentencePieceParts.Normalized(prefix));
    }

    private static JsonObject Config(GgufMetadata metadata, IReadOnlyList<VocabularyPiece> pieces, bool begin, bool end)
    {
        var config = new JsonObject { ["tokenizer_class"] = "PreTrainedTokenizerFast", ["clean_up_tokenization_spaces"] = false, ["add_bos_token"] = begin, ["add_eos_token"] = end };
        foreach ((string key, string name) in (ReadOnlySpan<(string, string)>)
            [("bos_token_id", "bos_token"), ("eos_token_id", "eos_token"), ("unknown_token_id", "unk_token"), ("padding_token_id", "pad_token")])
        {
            if (IdOf(metadata, key, pieces) is { } id) config[name] = pieces[id].Text;
        }
        if (metadata.Text("tokenizer.chat_template") is { } template) config["chat_template"] = template;
        return config;
    }

    /// <summary>A token's id; null where none is named, or (as some files say it) one that is no token.</summary>
    private static int? IdOf(GgufMetadata metadata, string name, IReadOnlyList<VocabularyPiece> pieces) =>
        metadata.Values.GetValueOrDefault(Prefix + name)?.Value is long id && id >= 0 && id < pieces.Count ? (int)id : null;
}
