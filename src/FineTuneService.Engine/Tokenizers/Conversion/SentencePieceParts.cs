using System.Text.Json.Nodes;

namespace FineTuneService.Engine.Tokenizers.Conversion;

/// <summary>The components of a sentencepiece tokenizer in tokenizer.json's terms, as published conversions of Llama 2 have them.</summary>
internal static class SentencePieceParts
{
    private const string Space = "\u2581"; // stands for a space in every piece

    /// <param name="prefix">add_dummy_prefix: a text begins with a space.</param>
    /// <param name="removeExtra">remove_extra_whitespaces: none at the ends, one between words.</param>
    /// <param name="charsMap">precompiled_charsmap, sentencepiece's compiled normalization rules; empty for none.</param>
    public static JsonObject Normalizer(bool prefix, bool removeExtra, ReadOnlySpan<byte> charsMap)
    {
        var steps = new JsonArray();
        if (!charsMap.IsEmpty) steps.Add(new JsonObject { ["type"] = "Precompiled", ["precompiled_charsmap"] = Convert.ToBase64String(charsMap) });
        if (removeExtra)
        {
            steps.Add(new JsonObject { ["type"] = "Strip", ["strip_left"] = true, ["strip_right"] = true });
            steps.Add(Replace(new JsonObject { ["Regex"] = " {2,}" }, " "));
        }
        if (prefix) steps.Add(new JsonObject { ["type"] = "Prepend", ["prepend"] = Space });
        steps.Add(Replace(new JsonObject { ["String"] = " " }, Space));
        return new JsonObject { ["type"] = "Sequence", ["normalizers"] = steps };
    }

    public static JsonObject Decoder(bool prefix)
    {
        var steps = new JsonArray(Replace(new JsonObject { ["String"] = Space }, " "), new JsonObject { ["type"] = "ByteFallback" }, new JsonObject { ["type"] = "Fuse" });
        if (prefix) steps.Add(new JsonObject { ["type"] = "Strip", ["content"] = " ", ["start"] = 1, ["stop"] = 0 });
        return new JsonObject { ["type"] = "Sequence", ["decoders"] = steps };
    }

    /// <summary>
    /// Whether a user-defined piece is looked for in the normalized text: where it holds the sign for a space. With a prefix its own
    /// spelling would get one too, so there only merges make it.
    /// </summary>
    public static Func<VocabularyPiece, bool> Normalized(bool prefix) => piece => !prefix && piece.Text.Contains(Space, StringComparison.Ordinal);

    private static JsonObject Replace(JsonObject pattern, string content) => new() { ["type"] = "Replace", ["pattern"] = pattern, ["content"] = content };
}
