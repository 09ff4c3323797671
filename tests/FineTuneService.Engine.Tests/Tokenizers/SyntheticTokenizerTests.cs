using System.Text.Json;
using FineTuneService.Engine.Tokenizers;
using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tests.Tokenizers;

/// <summary>Small tokenizers, one a component, against golden/tokenizers/synthetic.</summary>
public sealed class SyntheticTokenizerTests
{
    private const string Area = "tokenizers/synthetic";

    public static TheoryData<string> Names() => Shared.Entries("golden/tokenizers/synthetic");

    [Theory]
    [MemberData(nameof(Names))]
    public void Tokenizer_SyntheticCases_AreEqual(string name)
    {
        var json = File.ReadAllText(Shared.Path("golden/tokenizers/synthetic", name, "tokenizer.json"));
        using var golden = JsonDocument.Parse(File.ReadAllText(Shared.Path("golden/tokenizers/synthetic", name, "cases.json")));
        var (file, tokenizer) = Parse(name, json);
        int compared = 0, pairs = 0;
        foreach (var @case in golden.RootElement.GetProperty("cases").EnumerateArray())
        {
            if (@case.TryGetProperty("pair", out _)) pairs++;
            else CheckCase(file, tokenizer, @case, ++compared);
        }

        foreach (var @case in Optional(golden.RootElement, "decoder")) CheckDecoder(file, @case, ++compared);
        foreach (var @case in Optional(golden.RootElement, "decode_ids")) CheckDecode(tokenizer, @case, ++compared);
        if (compared == 0) Fidelity.Skipped(Area, name, "pairs of texts");
        Fidelity.Passed(Area, name, $"{compared} cases" + (pairs > 0 ? $"; {pairs} pairs of texts left out: the Engine encodes one text" : ""));
    }

    private static (TokenizerFile File, Tokenizer Tokenizer) Parse(string name, string json)
    {
        using var document = JsonDocument.Parse(json);
        foreach (var part in new[] { "truncation", "padding" })
            if (document.RootElement.GetProperty(part).ValueKind != JsonValueKind.Null)
                Fidelity.Skipped(Area, name, $"{part} (the Engine leaves it to whoever makes batches)");
        try
        {
            return (TokenizerFile.Parse(json), Tokenizer.Parse(json));
        }
        catch (TokenizerException refusal) when (refusal.Message.Contains("is not supported"))
        {
            Fidelity.Skipped(Area, name, refusal.Message);
            throw;
        }
    }

    private static void CheckCase(TokenizerFile file, Tokenizer tokenizer, JsonElement @case, int number)
    {
        var text = @case.GetProperty("text").GetString()!;
        if (@case.TryGetProperty("normalized", out var normalized) && normalized.ValueKind == JsonValueKind.String)
            Equal(number, "normalized", normalized, file.Normalizer!.Normalize(text));
        if (@case.TryGetProperty("pre_tokenized", out var pieces) && pieces.ValueKind == JsonValueKind.Array)
            Equal(number, "pre_tokenized", pieces, PreTokenized(file, file.Normalizer?.Normalize(text) ?? text));
        var plain = @case.GetProperty("encode");
        var special = @case.GetProperty("encode_special");
        if (plain.TryGetProperty("error", out _))
        {
            Assert.Throws<TokenizerException>(() => tokenizer.Encode(text));
            return;
        }

        CheckEncoding(number, plain, tokenizer.EncodeWithOffsets(text));
        Assert.Equal(tokenizer.EncodeWithOffsets(text).Ids, tokenizer.Encode(text));
        var encoding = tokenizer.EncodeWithOffsets(text, addSpecialTokens: true);
        CheckEncoding(number, special.ValueKind == JsonValueKind.Object ? special : plain, encoding);
        if (DecodesWrong(file)) return;
        Equal(number, "decode", @case.GetProperty("decode"), tokenizer.Decode([.. encoding.Ids], skipSpecialTokens: false));
        Equal(number, "decode_skip", @case.GetProperty("decode_skip"), tokenizer.Decode([.. encoding.Ids]));
        if (@case.GetProperty("stream") is { ValueKind: JsonValueKind.Array } steps)
            Equal(number, "stream", steps, encoding.Ids.Select(tokenizer.StreamDecoder(skipSpecialTokens: false).Step));
    }

    // The reference's regression (see its README): it decodes an added token that is normalized as its normalized text.
    private static bool DecodesWrong(TokenizerFile file) =>
        file.AddedTokens.Any(token => token.Normalized && file.Normalizer is not null && file.Normalizer.Normalize(token.Content) != token.Content);

    private static object PreTokenized(TokenizerFile file, string text)
    {
        var words = file.PreTokenizer!.Apply(PreTokenizedText.Whole(AlignedText.Of(text, aligned: true)));
        var codePoints = CodePoints.Indices(text) ?? [.. Enumerable.Range(0, text.Length + 1)];
        return words.Pieces.Where(piece => piece.Length > 0).Select(piece =>
        {
            var origin = words.Aligned.OriginOf(piece.Start, piece.End);
            return new object[] { words[piece].ToString(), new[] { codePoints[origin.Start], codePoints[origin.End] } };
        });
    }

    private static void CheckEncoding(int number, JsonElement golden, Encoding encoding)
    {
        Equal(number, "ids", golden.GetProperty("ids"), encoding.Ids);
        Equal(number, "tokens", golden.GetProperty("tokens"), encoding.Tokens);
        Equal(number, "offsets", golden.GetProperty("offsets"), encoding.Offsets.Select(offset => new[] { offset.Start, offset.End }));
        Equal(number, "special_tokens_mask", golden.GetProperty("special_tokens_mask"), encoding.SpecialTokensMask);
    }

    private static void CheckDecoder(TokenizerFile file, JsonElement @case, int number)
    {
        // Where the library crashes, something sane is to come out: nothing for nothing.
        var tokens = @case.GetProperty("tokens").EnumerateArray().Select(token => token.GetString()!).ToList();
        var decoded = string.Concat(file.Decoder!.Decode(tokens));
        if (@case.GetProperty("text") is { ValueKind: JsonValueKind.String } text) Equal(number, "decoder", text, decoded);
    }

    private static void CheckDecode(Tokenizer tokenizer, JsonElement @case, int number)
    {
        int[] ids = [.. @case.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
        var decoded = tokenizer.Decode(ids, skipSpecialTokens: false);
        if (@case.GetProperty("decode") is { ValueKind: JsonValueKind.String } text) Equal(number, "decode_ids", text, decoded);
    }

    private static IEnumerable<JsonElement> Optional(JsonElement root, string name) =>
        root.TryGetProperty(name, out var list) ? list.EnumerateArray() : [];

    private static void Equal<T>(int number, string field, JsonElement golden, T actual) => Assert.Equal(
        $"case {number}: {field}: {JsonSerializer.Serialize(golden)}", $"case {number}: {field}: {JsonSerializer.Serialize(actual)}");
}
