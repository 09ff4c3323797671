using System.Text.Json;
using FineTuneService.Engine.Tokenizers;
using FineTuneService.Engine.Tokenizers.Batches;
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
        var (file, tokenizer, batches) = Parse(name, json);
        // Plain encoding leaves truncation and padding out; the batch encoder follows them, and takes pairs.
        var isPlain = IsNull(json, "truncation") && IsNull(json, "padding");
        int compared = 0;
        foreach (var @case in golden.RootElement.GetProperty("cases").EnumerateArray())
        {
            compared++;
            CheckBatched(tokenizer, batches, @case, compared, decodes: !DecodesWrong(file));
            if (isPlain && !@case.TryGetProperty("pair", out _)) CheckCase(file, tokenizer, @case, compared);
        }

        foreach (var batch in Optional(golden.RootElement, "batches")) CheckBatch(batches, batch, ++compared);

        foreach (var @case in Optional(golden.RootElement, "decoder")) CheckDecoder(file, @case, ++compared);
        foreach (var @case in Optional(golden.RootElement, "decode_ids")) CheckDecode(tokenizer, @case, ++compared);
        Assert.True(compared > 0, "no case");
        Fidelity.Passed(Area, name, $"{compared} cases");
    }

    private static bool IsNull(string json, string part)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.GetProperty(part).ValueKind == JsonValueKind.Null;
    }

    private static void CheckBatched(Tokenizer tokenizer, BatchEncoder batches, JsonElement @case, int number, bool decodes)
    {
        (string, string?)[] texts = [(@case.GetProperty("text").GetString()!, @case.TryGetProperty("pair", out var pair) ? pair.GetString() : null)];
        foreach (var (field, special) in ((string, bool)[])[("encode", false), ("encode_special", true)])
        {
            var golden = @case.GetProperty(field);
            if (golden.ValueKind != JsonValueKind.Object) continue;
            if (golden.TryGetProperty("error", out _)) Assert.Throws<TokenizerException>(() => batches.Encode(texts, special));
            else CheckEntry(number, golden, Assert.Single(batches.Encode(texts, special)));
        }
        if (!decodes || @case.GetProperty("encode_special") is not { ValueKind: JsonValueKind.Object } whole || whole.TryGetProperty("error", out _)) return;
        int[] ids = [.. whole.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
        Equal(number, "decode", @case.GetProperty("decode"), tokenizer.Decode(ids, skipSpecialTokens: false));
        Equal(number, "decode_skip", @case.GetProperty("decode_skip"), tokenizer.Decode(ids));
    }

    private static void CheckBatch(BatchEncoder batches, JsonElement batch, int number)
    {
        (string, string?)[] texts = [.. batch.GetProperty("texts").EnumerateArray().Select(text => text.ValueKind == JsonValueKind.Array ? (text[0].GetString()!, text[1].GetString()) : (text.GetString()!, (string?)null))];
        var encodings = batches.Encode(texts, batch.GetProperty("add_special_tokens").GetBoolean());
        var golden = batch.GetProperty("encodings").EnumerateArray().ToList();
        Assert.Equal(golden.Count, encodings.Count);
        foreach (var (expected, encoding) in golden.Zip(encodings)) CheckEntry(number, expected, encoding);
    }

    private static void CheckEntry(int number, JsonElement golden, BatchEncoding encoding)
    {
        CheckEncoding(number, golden, encoding.Encoding);
        Equal(number, "type_ids", golden.GetProperty("type_ids"), encoding.TypeIds);
        Equal(number, "attention_mask", golden.GetProperty("attention_mask"), encoding.AttentionMask);
        var cut = Optional(golden, "overflowing").ToList();
        Assert.Equal(cut.Count, encoding.Overflowing.Count);
        foreach (var (expected, part) in cut.Zip(encoding.Overflowing)) CheckEntry(number, expected, part);
    }

    private static (TokenizerFile File, Tokenizer Tokenizer, BatchEncoder Batches) Parse(string name, string json)
    {
        try
        {
            return (TokenizerFile.Parse(json), Tokenizer.Parse(json), BatchEncoder.Parse(json));
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
