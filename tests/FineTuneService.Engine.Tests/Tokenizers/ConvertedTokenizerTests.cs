using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using FineTuneService.Engine.Formats.Gguf;
using FineTuneService.Engine.Tokenizers;
using FineTuneService.Engine.Tokenizers.Conversion;

namespace FineTuneService.Engine.Tests.Tokenizers;

/// <summary>Tokenizers out of GGUF files and sentencepiece's tokenizer.model, against reference ids.</summary>
public sealed class ConvertedTokenizerTests
{
    /// <summary>Published tokenizers that come with a tokenizer.model and have golden texts.</summary>
    public static TheoryData<string> SentencePieceFolders() => !Shared.Present ? [""] :
        [.. Shared.Entries("tokenizers").Select(row => row.Data).Where(name => File.Exists(Path.Combine(Shared.Folder, "tokenizers", name, SentencePieceTokenizer.FileName)) && File.Exists(Path.Combine(Shared.Folder, "golden/tokenizers", name + ".json")))];

    public static TheoryData<string> GgufFiles() => Shared.Entries("golden/models/gguf", "*.gguf");

    [Fact]
    public void Gguf_SmolLm_EqualsLlamaCppsIds()
    {
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllText(Shared.Path("golden/smollm2/tokenizer_vectors.json")));
        Tokenizer tokenizer = OfGguf("models/smollm2-135m-instruct-gguf/SmolLM2-135M-Instruct.Q4_1.gguf");
        int texts = 0;
        foreach (JsonElement @case in golden.RootElement.GetProperty("cases").EnumerateArray())
        {
            string text = @case.GetProperty("text").GetString()!;
            int[] ids = tokenizer.Encode(text, addSpecialTokens: true);
            Assert.Equal(Ids(@case, "ids"), ids);
            Assert.Equal(@case.GetProperty("decoded").GetString(), tokenizer.Decode(ids, skipSpecialTokens: false));
            Assert.Equal(@case.GetProperty("decoded_skip_special").GetString(), tokenizer.Decode(ids));
            texts++;
        }
        Assert.Equal((1, 2, 2), (tokenizer.BosId, tokenizer.EosId, tokenizer.PadId));
        Fidelity.Passed("tokenizers", "SmolLM2-135M-Instruct (GGUF)", $"{texts} texts: ids, decodings");
    }

    /// <summary>Llama 2's vocabulary, as llama.cpp's converter wrote it, is Llama 2's tokenizer.</summary>
    [Fact]
    public void Gguf_Llama2_EqualsItsTokenizerJson() => EqualToGolden(OfGguf("models/llama2-tiny-random-gguf/llama-2-tiny-random.gguf"), "llama2", "llama2 (GGUF)");

    [Theory, MemberData(nameof(SentencePieceFolders))]
    public void SentencePiece_PublishedModel_EqualsItsTokenizerJson(string name) =>
        EqualToGolden(SentencePieceTokenizer.Load(Shared.Path("tokenizers", name)).Parse(), name, $"{name} (tokenizer.model)");

    [Theory, MemberData(nameof(GgufFiles))]
    public void Gguf_GoldenFile_HasATokenizerThatReadsWhatItWrites(string name)
    {
        Tokenizer tokenizer = OfGguf(Path.Combine("golden/models/gguf", name));
        foreach (string text in (string[])["the ocean", "and then: 42 Übergänge", "a\n\tb", ""])
        {
            int[] ids = tokenizer.Encode(text, addSpecialTokens: true);
            Assert.All(ids, id => Assert.InRange(id, 0, tokenizer.VocabularySize - 1));
            Assert.Equal(text, tokenizer.Decode(ids));
            Assert.Equal(tokenizer.BosToken == "<s>", ids.Length > 0 && ids[0] == tokenizer.BosId);
        }
    }

    /// <summary>A folder with a tokenizer.model alone is read; files beside it go before what the model says.</summary>
    [Fact]
    public void Load_FolderWithoutTokenizerJson_ReadsTokenizerModel()
    {
        using var folder = new TemporaryFolder();
        File.Copy(Shared.Path("tokenizers/llama2/tokenizer.model"), Path.Combine(folder.Path, "tokenizer.model"));
        Tokenizer tokenizer = Tokenizer.Load(folder.Path);
        Assert.Equal([1, 15043, 29892, 3186, 29991], tokenizer.Encode("Hello, world!", addSpecialTokens: true));
        Assert.Equal((1, 2, "<unk>"), (tokenizer.BosId, tokenizer.EosId, tokenizer.UnkToken));
        folder.Write("tokenizer_config.json", """{"add_bos_token": false, "add_eos_token": true, "pad_token": "</s>"}""");
        tokenizer = Tokenizer.Load(folder.Path);
        Assert.Equal([15043, 29892, 3186, 29991, 2], tokenizer.Encode("Hello, world!", addSpecialTokens: true));
        Assert.Equal(2, tokenizer.PadId);
    }

    /// <summary>Merge by merge, in the published order where scores tell it: versions of transformers order equal ones (runs of spaces) differently.</summary>
    [Theory, MemberData(nameof(SentencePieceFolders))]
    public void SentencePiece_PublishedModel_HasItsMerges(string name)
    {
        using JsonDocument published = JsonDocument.Parse(File.ReadAllText(Shared.Path("tokenizers", name, "tokenizer.json")));
        IEnumerable<string> merges = published.RootElement.GetProperty("model").GetProperty("merges").EnumerateArray()
            .Select(merge => merge.ValueKind == JsonValueKind.String ? merge.GetString()! : $"{merge[0]} {merge[1]}");
        SentencePieceFile file = SentencePieceFile.Read(File.ReadAllBytes(Shared.Path("tokenizers", name, SentencePieceTokenizer.FileName)));
        string[] ours = [.. ScoredMerges.Of(file.Pieces).Select(merge => $"{merge.Left} {merge.Right}")];
        Assert.Equal(merges.Order(StringComparer.Ordinal), ours.Order(StringComparer.Ordinal));
        HashSet<string> tied = [.. file.Pieces.GroupBy(piece => piece.Score).Where(pieces => pieces.Count() > 1).SelectMany(pieces => pieces).Select(piece => piece.Text)];
        Assert.Equal(merges.Where(IsOrdered), ours.Where(IsOrdered));

        bool IsOrdered(string merge) => !tied.Contains(merge.Remove(merge.IndexOf(' '), 1));
    }

    [Fact]
    public void SentencePiece_DamagedFile_IsReadOrRefused()
    {
        byte[] whole = File.ReadAllBytes(Shared.Path("tokenizers/llama2/tokenizer.model"));
        foreach (int length in (int[])[0, 1, 2, 7, 1000, whole.Length - 300, whole.Length - 2])
        {
            TokenizerException? refused = Record.Exception(() => SentencePieceFile.Read(whole.AsSpan(0, length))) as TokenizerException;
            Assert.True(refused is not null || length > 1000, $"{length}");
        }
        Assert.Contains("no pieces", Assert.Throws<TokenizerException>(() => SentencePieceFile.Read([])).Message);
        Assert.Contains("model_type 3", Assert.Throws<TokenizerException>(() => SentencePieceFile.Read([0x0A, 3, 0x0A, 1, 0x61, 0x12, 2, 0x18, 3])).Message);
        Assert.Contains("treat_whitespace_as_suffix", Assert.Throws<TokenizerException>(() => SentencePieceFile.Read([0x0A, 3, 0x0A, 1, 0x61, 0x12, 3, 0xC0, 1, 1])).Message);
    }

    [Fact]
    public void Gguf_PreTokenizerThatIsNotKnown_IsRefusedByName()
    {
        var metadata = new GgufMetadata("a.gguf", new Dictionary<string, GgufValue>
        {
            ["tokenizer.ggml.model"] = GgufValue.Of("gpt2"),
            ["tokenizer.ggml.pre"] = GgufValue.Of("kimi-k2"),
            ["tokenizer.ggml.tokens"] = GgufValue.Of(GgufArray.Of(["a"])),
            ["tokenizer.ggml.merges"] = GgufValue.Of(GgufArray.Of(Array.Empty<string>())),
        });
        Assert.Contains("'kimi-k2' is not supported", Assert.Throws<TokenizerException>(() => GgufTokenizer.Read(metadata)).Message);
    }

    private static Tokenizer OfGguf(string path)
    {
        using GgufFile file = GgufFile.Open(Shared.Path(path));
        return GgufTokenizer.Read(file.Metadata)!.Parse();
    }

    /// <summary>The ids to train with: those of the flags in tokenizer_config.json, where they differ.</summary>
    private static void EqualToGolden(Tokenizer tokenizer, string name, string @case)
    {
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllText(Shared.Path("golden/tokenizers", name + ".json")));
        var flagged = golden.RootElement.TryGetProperty("tokenizer_config_flags", out JsonElement flags) && flags.ValueKind == JsonValueKind.Object
            ? flags.GetProperty("differing").EnumerateArray().ToDictionary(entry => entry.GetProperty("name").GetString()!) : [];
        int texts = 0;
        foreach (JsonElement own in golden.RootElement.GetProperty("cases").EnumerateArray())
        {
            string text = own.GetProperty("text").GetString()!, what = own.GetProperty("name").GetString()!;
            JsonElement expected = flagged.GetValueOrDefault(what, own);
            Assert.True(Ids(expected, "ids").SequenceEqual(tokenizer.Encode(text)), what);
            Assert.Equal(own.GetProperty("decode_skip").GetString(), tokenizer.Decode([.. Ids(own, "ids_special")]));
            texts++;
        }
        foreach (JsonElement text in golden.RootElement.GetProperty("long").EnumerateArray())
        {
            byte[] utf8 = File.ReadAllBytes(Shared.Path("golden/tokenizers", text.GetProperty("file").GetString()!));
            int[] ids = tokenizer.Encode(System.Text.Encoding.UTF8.GetString(utf8), text.GetProperty("add_special_tokens").GetBoolean());
            Assert.Equal(text.GetProperty("sha256_int32le").GetString(), Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes<int>(ids))));
        }
        Fidelity.Passed("tokenizers", @case, $"{texts} texts: ids, decodings; long texts");
    }

    private static IEnumerable<int> Ids(JsonElement @case, string name) => @case.GetProperty(name).EnumerateArray().Select(id => id.GetInt32());
}
