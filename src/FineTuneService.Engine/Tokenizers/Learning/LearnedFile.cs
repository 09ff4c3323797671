using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace FineTuneService.Engine.Tokenizers.Learning;

/// <summary>Writes a learned byte-level BPE vocabulary as tokenizer.json.</summary>
internal static class LearnedFile
{
    private static readonly JsonSerializerOptions Format = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <param name="tokens">All tokens by id; the first <paramref name="specialCount"/> are special.</param>
    /// <param name="cuts">See <see cref="Cuts"/>.</param>
    public static string Write(
        List<string> tokens, int specialCount, List<(string Left, string Right)> merges, JsonObject cuts) => new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = new JsonArray([.. tokens.Take(specialCount).Select(SpecialToken)]),
            ["normalizer"] = null,
            ["pre_tokenizer"] = cuts,
            ["post_processor"] = null,
            ["decoder"] = ByteLevel(useRegex: true),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["dropout"] = null,
                ["unk_token"] = null,
                ["continuing_subword_prefix"] = null,
                ["end_of_word_suffix"] = null,
                ["fuse_unk"] = false,
                ["byte_fallback"] = false,
                ["ignore_merges"] = false,
                ["vocab"] = new JsonObject(tokens.Select((token, id) => KeyValuePair.Create(token, (JsonNode?)id))),
                ["merges"] = new JsonArray([.. merges.Select(merge => new JsonArray(merge.Left, merge.Right))]),
            },
        }.ToJsonString(Format);

    /// <summary>The "pre_tokenizer": words as <paramref name="pattern"/> matches them, or GPT-2's words and single digits.</summary>
    public static JsonObject Cuts(string? pattern) => new()
    {
        ["type"] = "Sequence",
        ["pretokenizers"] = pattern is null
            ? new JsonArray(new JsonObject { ["type"] = "Digits", ["individual_digits"] = true }, ByteLevel(useRegex: true))
            : new JsonArray(Split(pattern), ByteLevel(useRegex: false)),
    };

    private static JsonObject Split(string pattern) => new()
    {
        ["type"] = "Split",
        ["pattern"] = new JsonObject { ["Regex"] = pattern },
        ["behavior"] = "Isolated",
        ["invert"] = false,
    };

    private static JsonObject SpecialToken(string content, int id) => new()
    {
        ["id"] = id,
        ["content"] = content,
        ["single_word"] = false,
        ["lstrip"] = false,
        ["rstrip"] = false,
        ["normalized"] = false,
        ["special"] = true,
    };

    private static JsonObject ByteLevel(bool useRegex) => new()
    {
        ["type"] = "ByteLevel",
        ["add_prefix_space"] = false,
        ["trim_offsets"] = false,
        ["use_regex"] = useRegex,
    };
}
