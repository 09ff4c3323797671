using System.Text.Json;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Formats.Gguf;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Models.Gguf;
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
            if (!GgufConfig.IsRopeFactor(tensor)) Assert.True(expected.bytes.SequenceEqual(blocks.bytes), tensor);
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
        using BaseModel model = BaseModel.Load(source, BasePrecision.Fp32), written = BaseModel.Load(path, BasePrecision.Fp32);
        using var run = new ReferenceRun(model);
        using var again = new ReferenceRun(written);
        int[] ids = [.. Enumerable.Range(5, 60)];
        Tensor expected = run.Logits([ids]), logits = again.Logits([ids]);
        float difference = (expected - logits).abs().max().item<float>();
        Assert.True(difference < 1e-4, $"logits differ by {difference}");
        Fidelity.Passed("gguf export", name, $"loads again: logits within {difference:0.0e+0}");
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
