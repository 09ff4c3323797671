using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace FineTuneService.Engine.Tokenizers.Conversion;

/// <summary>Writes a tokenizer.json of a vocabulary that came in another format, so that one reader knows all tokenizers, and a merged model has its file.</summary>
internal static class TokenizerJson
{
    private static readonly JsonWriterOptions s_asIs = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <param name="components">normalizer, pre_tokenizer, post_processor and decoder, by these names; what is left out is null.</param>
    /// <param name="model">Writes the model's fields into an object that was begun.</param>
    /// <param name="normalized">Whether a user-defined token is looked for in the normalized text.</param>
    public static string Write(IReadOnlyList<VocabularyPiece> pieces, JsonObject components, Action<Utf8JsonWriter> model, Func<VocabularyPiece, bool>? normalized = null)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, s_asIs))
        {
            json.WriteStartObject();
            json.WriteString("version", "1.0");
            json.WriteNull("truncation");
            json.WriteNull("padding");
            WriteAdded(json, pieces, normalized);
            foreach (string name in (string[])["normalizer", "pre_tokenizer", "post_processor", "decoder"])
            {
                json.WritePropertyName(name);
                if (components[name] is { } component) component.WriteTo(json);
                else json.WriteNullValue();
            }
            json.WriteStartObject("model");
            model(json);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return System.Text.Encoding.UTF8.GetString(bytes.GetBuffer().AsSpan(0, (int)bytes.Length));
    }

    /// <summary>The fields of a BPE model.</summary>
    public static void WriteBpe(Utf8JsonWriter json, IReadOnlyList<VocabularyPiece> pieces, IEnumerable<(string Left, string Right)> merges, string? unknown, bool byteFallback, bool ignoreMerges)
    {
        json.WriteString("type", "BPE");
        json.WriteNull("dropout");
        json.WriteString("unk_token", unknown);
        json.WriteNull("continuing_subword_prefix");
        json.WriteNull("end_of_word_suffix");
        json.WriteBoolean("fuse_unk", unknown is not null);
        json.WriteBoolean("byte_fallback", byteFallback);
        json.WriteBoolean("ignore_merges", ignoreMerges);
        json.WriteStartObject("vocab");
        // A text that several ids have belongs to the first of them, as where text is looked up in a file.
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (int id = 0; id < pieces.Count; id++)
        {
            if (seen.Add(pieces[id].Text)) json.WriteNumber(pieces[id].Text, id);
        }
        json.WriteEndObject();
        json.WriteStartArray("merges");
        foreach ((string left, string right) in merges)
        {
            json.WriteStartArray();
            json.WriteStringValue(left);
            json.WriteStringValue(right);
            json.WriteEndArray();
        }
        json.WriteEndArray();
    }

    /// <summary>The fields of a unigram model.</summary>
    public static void WriteUnigram(Utf8JsonWriter json, IReadOnlyList<VocabularyPiece> pieces, int unknown, bool byteFallback)
    {
        json.WriteString("type", "Unigram");
        json.WriteNumber("unk_id", unknown);
        json.WriteStartArray("vocab");
        foreach (VocabularyPiece piece in pieces)
        {
            json.WriteStartArray();
            json.WriteStringValue(piece.Text);
            json.WriteNumberValue(piece.Score);
            json.WriteEndArray();
        }
        json.WriteEndArray();
        json.WriteBoolean("byte_fallback", byteFallback);
    }

    /// <summary>A post-processor that begins a text with a token, or ends it with one; null where neither.</summary>
    public static JsonObject? Around(int? begin, int? end, IReadOnlyList<VocabularyPiece> pieces)
    {
        if (begin is null && end is null) return null;
        var (single, specials) = (new JsonArray(), new JsonObject());
        if (begin is { } first) single.Add(Special(first));
        single.Add(new JsonObject { ["Sequence"] = new JsonObject { ["id"] = "A", ["type_id"] = 0 } });
        if (end is { } last) single.Add(Special(last));
        return new JsonObject { ["type"] = "TemplateProcessing", ["single"] = single, ["pair"] = new JsonArray(), ["special_tokens"] = specials };

        JsonObject Special(int id)
        {
            string text = pieces[id].Text;
            specials[text] = new JsonObject { ["id"] = text, ["ids"] = new JsonArray(id), ["tokens"] = new JsonArray(text) };
            return new JsonObject { ["SpecialToken"] = new JsonObject { ["id"] = text, ["type_id"] = 0 } };
        }
    }

    private static void WriteAdded(Utf8JsonWriter json, IReadOnlyList<VocabularyPiece> pieces, Func<VocabularyPiece, bool>? normalized)
    {
        json.WriteStartArray("added_tokens");
        for (int id = 0; id < pieces.Count; id++)
        {
            if (pieces[id].Kind is not (PieceKind.Unknown or PieceKind.Control or PieceKind.UserDefined) || pieces[id].Text.Length == 0) continue;
            json.WriteStartObject();
            json.WriteNumber("id", id);
            json.WriteString("content", pieces[id].Text);
            json.WriteBoolean("single_word", false);
            json.WriteBoolean("lstrip", false);
            json.WriteBoolean("rstrip", false);
            json.WriteBoolean("normalized", pieces[id].Kind == PieceKind.UserDefined && normalized?.Invoke(pieces[id]) == true);
            json.WriteBoolean("special", pieces[id].Kind != PieceKind.UserDefined);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}
