using System.Text.Json;
using System.Text.Json.Nodes;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Formats.Gguf;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Models.Gguf;
using FineTuneService.Engine.Quantization;
using FineTuneService.Engine.Tokenizers;
using FineTuneService.Engine.Tokenizers.Conversion;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Models;

/// <summary>Hugging Face folders written as GGUF: what gguf-py wrote of them, and a base model again.</summary>
public sealed class GgufExportTests
{
    public static TheoryData<string> Files() => Shared.Entries("golden/models/gguf", "*.gguf");

    public static TheoryData<string> Models() => Shared.Entries("golden/models");

    public static TheoryData<string> Tokenizers() => Shared.Entries("tokenizers");

    /// <summary>Every key of the architecture and every tensor, byte for byte.</summary>
    [Theory, MemberData(nameof(Files))]
    public void Write_GoldenFolder_HasGgufsKeysAndTensors(string name)
    {
        string[] parts = name.Split('.');
        if (!Enum.TryParse(parts[1], out GgufFileType type)) Assert.Skip($"{parts[1]} is read and not written");
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, name);
        GgufExport.Write(Shared.Path("golden/models", parts[0]), path, type, parts[0]);
        using GgufFile golden = GgufFile.Open(Shared.Path("golden/models/gguf", name)), written = GgufFile.Open(path);
        foreach ((string key, GgufValue value) in golden.Metadata.Values)
        {
            if (!key.StartsWith("tokenizer.", StringComparison.Ordinal)) Assert.Equal(value, written.Metadata.Values.GetValueOrDefault(key));
        }
        Assert.Equal(golden.Names.Order(), written.Names.Order());
        foreach (string tensor in golden.Names)
        {
            Assert.Equal(golden.Tensors[tensor].Type, written.Tensors[tensor].Type);
            using Tensor expected = golden.Blocks(tensor), blocks = written.Blocks(tensor);
            if (!GgufRope.IsFactor(tensor)) Assert.True(expected.bytes.SequenceEqual(blocks.bytes), tensor);
            else Assert.True(allclose(golden.Read(tensor), written.Read(tensor), rtol: 1e-6, atol: 0), tensor);
        }
        Fidelity.Passed("gguf", $"{name} exported", "keys, and tensors byte for byte");
    }

    /// <summary>A model is written so that it is read as it was, or it is refused by name.</summary>
    [Theory, MemberData(nameof(Models))]
    public void Write_AnyFamily_LoadsEqualOrIsRefusedByName(string name)
    {
        string source = Shared.Path("golden/models", name);
        if (!File.Exists(Path.Combine(source, "config.json"))) return;
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "model.gguf");
        try
        {
            GgufExport.Write(source, path, GgufFileType.F32, name);
        }
        catch (ModelException refused)
        {
            Assert.False(File.Exists(path));
            Fidelity.Skipped("gguf export", name, refused.Message);
        }
        float difference = LogitsDifference(source, path);
        Assert.True(difference < 1e-4, $"logits differ by {difference}");
        SaysWhatTheModelDoes(source, path);
        Fidelity.Passed("gguf export", name, $"loads again: logits within {difference:0.0e+0}");
    }

    /// <summary>What a golden case does not have, of the same families.</summary>
    [Theory]
    [InlineData("smollm3", """{ "no_rope_layers": [1, 1, 1, 0] }""")]
    [InlineData("qwen3_moe", """{ "mlp_only_layers": [], "attention_bias": true }""")]
    [InlineData("falcon-new-decoder", """{ "num_ln_in_parallel_attn": 1 }""")]
    [InlineData("gpt_neox", """{ "use_parallel_residual": false, "attention_bias": false, "rotary_pct": 0.5 }""")]
    [InlineData("gemma3_text", """{ "sliding_window_pattern": 2, "query_pre_attn_scalar": 16, "rope_scaling": null }""")]
    [InlineData("llama-rope-yarn", """{ "rope_scaling": { "rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 256, "attention_factor": 1.3 } }""")]
    [InlineData("mixtral", """{ "sliding_window": 8 }""")]
    [InlineData("granite", """{ "attention_bias": true, "mlp_bias": true, "tie_word_embeddings": false }""")]
    [InlineData("stablelm", """{ "use_parallel_residual": true }""")]
    [InlineData("cohere", """{ "use_qk_norm": false }""")]
    [InlineData("starcoder2", """{ "use_bias": false, "sliding_window": null }""")]
    public void Write_FamilyWithOtherTraits_LoadsEqual(string name, string changes)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        JsonObject config = JsonNode.Parse(File.ReadAllText(Shared.Path("golden/models", name, "config.json")))!.AsObject();
        foreach ((string key, JsonNode? value) in JsonNode.Parse(changes)!.AsObject()) config[key] = value?.DeepClone();
        using (BaseModel random = BaseModel.Random(ModelConfig.Parse(config.ToJsonString()) with { InitializerRange = 0.2f }, BasePrecision.Fp32, seed: 1)) random.Save(folder.Path, ComputeDtype.Fp32);
        string path = Path.Combine(folder.Path, "out", "model.gguf");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        GgufExport.Write(folder.Path, path, GgufFileType.F32, name);
        Assert.True(LogitsDifference(folder.Path, path) < 1e-4);
    }

    /// <summary>Blocks stay what they are where rows are ordered otherwise, stacked, or [in, out] in the family's own files.</summary>
    [Theory, InlineData("gpt2"), InlineData("gpt_neox"), InlineData("falcon-new-decoder"), InlineData("mixtral"), InlineData("stablelm-qknorm"), InlineData("gemma2")]
    public void Write_InBlocks_AreServedAsStored(string name)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "model.gguf");
        GgufExport.Write(Shared.Path("golden/models", name), path, GgufFileType.Q8_0, name);
        using BaseModel widened = BaseModel.Load(path, BasePrecision.Fp32), stored = BaseModel.Load(path, new BasePrecision(ComputeDtype.Fp32, QuantizationType.AsStored));
        Assert.True(stored.Bytes < widened.Bytes);
        using var run = new ReferenceRun(widened);
        using var again = new ReferenceRun(stored);
        Assert.True((run.Logits([Ids]) - again.Logits([Ids])).abs().max().item<float>() < 1e-4);
        // A Hugging Face folder of it has the family's own layout.
        string saved = Path.Combine(folder.Path, "saved");
        widened.Save(saved, ComputeDtype.Fp32);
        Assert.Equal(0, LogitsDifference(path, saved));
    }

    private static int[] Ids => [.. Enumerable.Range(5, 60)];

    private static float LogitsDifference(string one, string other)
    {
        using BaseModel model = BaseModel.Load(one, BasePrecision.Fp32), written = BaseModel.Load(other, BasePrecision.Fp32);
        using var run = new ReferenceRun(model);
        using var again = new ReferenceRun(written);
        return (run.Logits([Ids]) - again.Logits([Ids])).abs().max().item<float>();
    }

    /// <summary>Keys that both config.json have say the same.</summary>
    private static void SaysWhatTheModelDoes(string source, string path)
    {
        string[] otherwise = ["architectures", "torch_dtype", "rope_scaling", "query_pre_attn_scalar", "sliding_window", "eos_token_id"];
        JsonObject own = JsonNode.Parse(File.ReadAllText(Path.Combine(source, "config.json")))!.AsObject(), read = JsonNode.Parse(ModelTextFiles.Read(path, "config.json")!)!.AsObject();
        foreach ((string key, JsonNode? value) in own)
        {
            if (otherwise.Contains(key) || value is null || read[key] is not { } other) continue;
            if (value.GetValueKind() == JsonValueKind.Number) Assert.Equal((double)value, (double)other, Math.Abs((double)value) * 1e-6);
            else Assert.True(JsonNode.DeepEquals(value, other), $"{key}: {other} is not {value}");
        }
    }

    [Theory, MemberData(nameof(Tokenizers))]
    public void TokenizerKeys_PublishedTokenizer_IsTheSameAgain(string name)
    {
        string golden = Path.Combine(Shared.Folder, "golden/tokenizers", name + ".json"), folder = Shared.Path("tokenizers", name);
        if (!File.Exists(golden) || !File.Exists(Path.Combine(folder, "tokenizer.json"))) return;
        Tokenizer tokenizer = Tokenizer.Load(folder);
        KeyValuePair<string, GgufValue>[] keys = [.. GgufTokenizerKeys.Of(File.ReadAllText(Path.Combine(folder, "tokenizer.json")), tokenizer, tokenizer.VocabularySize)];
        Tokenizer again = GgufTokenizer.Read(new GgufMetadata("a.gguf", keys.ToDictionary(pair => pair.Key, pair => pair.Value)))!.Parse();
        using JsonDocument cases = JsonDocument.Parse(File.ReadAllText(golden));
        int texts = 0;
        foreach (JsonElement @case in cases.RootElement.GetProperty("cases").EnumerateArray())
        {
            string text = @case.GetProperty("text").GetString()!;
            int[] ids = tokenizer.Encode(text, addSpecialTokens: true);
            Assert.True(ids.SequenceEqual(again.Encode(text, addSpecialTokens: true)), @case.GetProperty("name").GetString());
            Assert.Equal(tokenizer.Decode(ids), again.Decode(ids));
            texts++;
        }
        Assert.Equal((tokenizer.BosId, tokenizer.EosId, tokenizer.PadId), (again.BosId, again.EosId, again.PadId));
        Fidelity.Passed("gguf export", $"{name} (tokenizer)", $"{texts} texts: ids, decodings");
    }

    [Fact(Explicit = true)]
    public void Write_SmolLmAgain_IsTheSameFileOfAnotherType()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        string source = Shared.Path("models/smollm2-135m-instruct-gguf/SmolLM2-135M-Instruct.Q4_1.gguf"), path = Path.Combine(folder.Path, "again.gguf");
        GgufExport.Write(source, path, GgufFileType.Q8_0, "again");
        using GgufFile file = GgufFile.Open(source), again = GgufFile.Open(path);
        Assert.Equal(file.Names.Order(), again.Names.Order());
        foreach (string name in file.Names)
        {
            Tensor values = file.Read(name), written = again.Read(name);
            double most = values.abs().max().item<float>();
            Assert.True((values - written).abs().max().item<float>() <= most / 200, name); // Half a step of 127, and the scale's rounding to fp16.
        }
        Assert.Equal(ModelText.Load(source).Tokenizer!.Encode("Once upon 12 times"), ModelText.Load(path).Tokenizer!.Encode("Once upon 12 times"));
    }
}
