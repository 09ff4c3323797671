using System.Security.Cryptography;
using System.Text.Json;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Engine.Tests.Tokenizers;

/// <summary>Published tokenizers against golden/tokenizers: ids, tokens, offsets, decodings, streams, long texts.</summary>
public sealed class GoldenTokenizerTests
{
    /// <summary>These may not be refused.</summary>
    private static readonly string[] Required = ["stories260K", "llama2", "tinyllama-chat", "llama3", "qwen3", "gpt2"];

    public static TheoryData<string> Names()
    {
        var files = Shared.Entries("golden/tokenizers", "*.json").Select(row => row.Data);
        return [.. files.Where(IsGolden).Select(file => Path.GetFileNameWithoutExtension(file))];
    }

    // The folder also holds the inputs of its generator.
    private static bool IsGolden(string file) =>
        file.Length == 0 || File.ReadLines(Path.Combine(Shared.Folder, "golden/tokenizers", file)).Take(2).Any(line => line.Contains("tokenizer-golden/1"));

    [Theory]
    [MemberData(nameof(Names))]
    public void Tokenizer_GoldenTexts_AreEqual(string name)
    {
        using var golden = JsonDocument.Parse(File.ReadAllText(Shared.Path("golden/tokenizers", name + ".json")));
        var json = File.ReadAllText(Shared.Path(golden.RootElement.GetProperty("path").GetString()!));
        var tokenizer = Parse(name, json, null);
        Assert.Equal(golden.RootElement.GetProperty("vocab_size_with_added").GetInt32(), tokenizer.VocabularySize);

        var cases = golden.RootElement.GetProperty("cases").EnumerateArray().ToList();
        foreach (var @case in cases) CheckCase(tokenizer, @case);
        foreach (var stream in golden.RootElement.GetProperty("streams").EnumerateArray()) CheckStream(tokenizer, stream);
        foreach (var text in golden.RootElement.GetProperty("long").EnumerateArray()) CheckLong(tokenizer, text);
        CheckConfigFlags(name, json, golden.RootElement);
        Fidelity.Passed("tokenizers", name, $"{cases.Count} texts: ids, tokens, offsets, special masks, decodings; streams, long texts, flags");
    }

    private static Tokenizer Parse(string name, string json, string? config)
    {
        try
        {
            return Tokenizer.Parse(json, config);
        }
        catch (TokenizerException refusal) when (!Required.Contains(name))
        {
            Fidelity.Skipped("tokenizers", name, refusal.Message);
            throw;
        }
    }

    private static void CheckCase(Tokenizer tokenizer, JsonElement @case)
    {
        var name = @case.GetProperty("name").GetString()!;
        var text = @case.GetProperty("text").GetString()!;
        var plain = tokenizer.EncodeWithOffsets(text);
        Equal(name, @case, "ids", plain.Ids);
        Equal(name, @case, "ids", tokenizer.Encode(text));
        Assert.InRange(tokenizer.FewestTokens(text), 0, plain.Ids.Count);
        Equal(name, @case, "tokens", plain.Tokens);
        Equal(name, @case, "offsets", plain.Offsets.Select(offset => new[] { offset.Start, offset.End }));
        var special = tokenizer.EncodeWithOffsets(text, addSpecialTokens: true);
        Equal(name, @case, "ids_special", special.Ids);
        Equal(name, @case, "special_tokens_mask", special.SpecialTokensMask);
        Equal(name, @case, "offsets_special", special.Offsets.Select(offset => new[] { offset.Start, offset.End }));
        Equal(name, @case, "decode", tokenizer.Decode([.. special.Ids], skipSpecialTokens: false));
        Equal(name, @case, "decode_skip", tokenizer.Decode([.. special.Ids], skipSpecialTokens: true));
    }

    private static void CheckStream(Tokenizer tokenizer, JsonElement stream)
    {
        var decoder = tokenizer.StreamDecoder(stream.GetProperty("skip_special_tokens").GetBoolean());
        var ids = stream.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32());
        Equal(stream.GetProperty("name").GetString()!, stream, "steps", ids.Select(decoder.Step));
    }

    private static void CheckLong(Tokenizer tokenizer, JsonElement golden)
    {
        var file = golden.GetProperty("file").GetString()!;
        var text = File.ReadAllText(Shared.Path("golden/tokenizers", file));
        var ids = tokenizer.Encode(text, golden.GetProperty("add_special_tokens").GetBoolean());
        Equal(file, golden, "count", ids.Length);
        var bytes = new byte[ids.Length * sizeof(int)];
        Buffer.BlockCopy(ids, 0, bytes, 0, bytes.Length);
        Equal(file, golden, "sha256_int32le", Sha256(bytes));
        var decoded = tokenizer.Decode(ids, skipSpecialTokens: false);
        Equal(file, golden, "decode_sha256", Sha256(System.Text.Encoding.UTF8.GetBytes(decoded)));
    }

    private static void CheckConfigFlags(string name, string json, JsonElement golden)
    {
        var folder = Path.GetDirectoryName(golden.GetProperty("path").GetString()!)!;
        var config = Shared.Path(folder, "tokenizer_config.json");
        var tokenizer = Parse(name, json, File.Exists(config) ? File.ReadAllText(config) : null);
        var differing = golden.GetProperty("tokenizer_config_flags").GetProperty("differing").EnumerateArray()
            .ToDictionary(@case => @case.GetProperty("name").GetString()!);
        foreach (var @case in golden.GetProperty("cases").EnumerateArray())
        {
            var caseName = @case.GetProperty("name").GetString()!;
            var expected = differing.GetValueOrDefault(caseName, @case);
            var actual = tokenizer.EncodeWithOffsets(@case.GetProperty("text").GetString()!);
            Equal(caseName, expected, "ids", actual.Ids);
            // Only where ids differ are the others stored as the flags make them.
            if (!differing.ContainsKey(caseName)) continue;
            Equal(caseName, expected, "tokens", actual.Tokens);
            Equal(caseName, expected, "offsets", actual.Offsets.Select(offset => new[] { offset.Start, offset.End }));
        }
    }

    private static string Sha256(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private static void Equal<T>(string name, JsonElement golden, string field, T actual) =>
        Assert.Equal($"{name}: {field}: {Canonical(golden.GetProperty(field))}", $"{name}: {field}: {Canonical(JsonSerializer.SerializeToElement(actual))}");

    private static string Canonical(JsonElement json) => JsonSerializer.Serialize(json);
}
