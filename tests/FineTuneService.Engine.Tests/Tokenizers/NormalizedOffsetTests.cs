using System.Text.Json.Nodes;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Engine.Tests.Tokenizers;

/// <summary>Offsets behind Unicode normalization: what is composed stands where its first character stood.</summary>
public class NormalizedOffsetTests
{
    public static TheoryData<string> Names => Shared.Present ? [.. Cases().Select(@case => (string)@case["name"]!)] : [""];

    [Theory, MemberData(nameof(Names))]
    public void EncodeWithOffsets_FieldText_EqualsHuggingFace(string name)
    {
        _ = Shared.Path("field");
        JsonObject @case = Cases().Single(@case => (string)@case["name"]! == name);
        JsonNode tokenizer = @case["tokenizer"]!;
        string json = tokenizer is JsonObject own ? own.ToJsonString() : File.ReadAllText(Shared.Path((string)tokenizer!));
        Encoding actual = Tokenizer.Parse(json).EncodeWithOffsets((string)@case["text"]!);
        if (@case["ids"] is { } ids) Assert.Equal(ids.AsArray().Select(id => (int)id!), actual.Ids);
        Assert.Equal(@case["offsets"]!.AsArray().Select(pair => ((int)pair![0]!, (int)pair[1]!)), actual.Offsets);
    }

    [Theory]
    // Each case: a text, its normal form, and for each of its characters the place in the text.
    [InlineData("NFC", "e\u0301x", "éx", "0 2")]
    [InlineData("NFC", "a\u0302\u0323b", "\u1EADb", "0 3")]
    [InlineData("NFC", "\u1100\u1161\u11A8\uAC00", "\uAC01\uAC00", "0 3")]
    [InlineData("NFC", "q\u0344", "q\u0308\u0301", "0 1 1")]
    [InlineData("NFD", "xé", "xe\u0301", "0 1 1")]
    [InlineData("NFKC", "ﬁn", "fin", "0 0 1")]
    [InlineData("NFKC", "\uFF76\uFF9Ex", "\u30ACx", "0 2")]
    [InlineData("NFKD", "Å\u2460", "A\u030A1", "0 0 1")]
    public void EncodeWithOffsets_TextThatIsNormalized_AlignsEachCharacterWithItsSource(string form, string text, string normalized, string places)
    {
        string[] characters = [.. normalized.Select(character => character.ToString()).Distinct()];
        var json = new JsonObject
        {
            ["normalizer"] = new JsonObject { ["type"] = form },
            ["pre_tokenizer"] = new JsonObject { ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = "." }, ["behavior"] = "Isolated" },
            ["model"] = new JsonObject
            {
                ["type"] = "WordLevel",
                ["unk_token"] = characters[0],
                ["vocab"] = new JsonObject(characters.Select((character, id) => KeyValuePair.Create(character, (JsonNode?)id))),
            },
        };
        Encoding actual = Tokenizer.Parse(json.ToJsonString()).EncodeWithOffsets(text);
        Assert.Equal(normalized, string.Concat(actual.Tokens));
        Assert.Equal(places, string.Join(' ', actual.Offsets.Select(offset => offset.Start)));
    }

    private static IEnumerable<JsonObject> Cases() =>
        Directory.EnumerateFiles(Path.Combine(Shared.Folder, "field"), "tokenizer-*.jsonl").Order(StringComparer.Ordinal)
            .SelectMany(File.ReadLines).Where(line => line.Length > 0).Select(line => JsonNode.Parse(line)!.AsObject());
}
