using System.Text.Json.Nodes;
using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Formats.Gguf;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Quantization;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Models;

/// <summary>GGUF files as base models, without any file beside them (golden/models/gguf, golden/smollm2).</summary>
public sealed class GoldenGgufTests
{
    private const string SmolLm = "models/smollm2-135m-instruct-gguf/SmolLM2-135M-Instruct.Q4_1.gguf";

    /// <summary>Widened, and as the file stores it.</summary>
    public static TheoryData<string, QuantizationType> Files() => new MatrixTheoryData<string, QuantizationType>(
        Shared.Entries("golden/models/gguf", "*.gguf").Select(row => row.Data), [QuantizationType.None, QuantizationType.AsStored]);

    [Theory, MemberData(nameof(Files))]
    public void Forward_GoldenFile_EqualsTransformersOnItsValues(string name, QuantizationType quantization)
    {
        using var scope = NewDisposeScope();
        string path = Shared.Path("golden/models/gguf", name);
        var precision = new BasePrecision(ComputeDtype.Fp32, quantization);
        using BaseModel model = BaseModel.Load(path, precision);
        Assert.Equal(model.Bytes, precision.BytesOf(model.Config, path));
        using var run = new ReferenceRun(model);
        using var expected = SafetensorsFile.Open(Path.ChangeExtension(path, ".expected.safetensors"));
        JsonNode json = JsonNode.Parse(File.ReadAllText(Shared.Path("golden/models/gguf/expected.json")))![name]!;
        Tensor mask = expected.Read("attention_mask");
        int[][] rows = ReferenceRun.Rows(expected.Read("input_ids"), mask);
        Tensor wanted = expected.Read("logits").flatten(0, 1).index_select(0, mask.flatten().nonzero().flatten());
        double difference = (run.Logits(rows) - wanted).abs().max().item<float>();
        Assert.True(difference < 1e-4, $"logits differ by {difference}");
        Assert.Equal((double)json["loss"]!, run.Loss(rows), 1e-5);
        foreach ((int[] row, JsonNode? greedy) in rows.Zip(json["greedy"]!.AsArray()))
        {
            int[] ids = [.. greedy!.AsArray().Select(id => (int)id!)];
            Assert.Equal(ids, run.Greedy(row, ids.Length));
        }
        Fidelity.Passed("gguf models", quantization == QuantizationType.None ? name : $"{name}, as stored", $"logits within {difference:0.0e0}, loss, greedy ids");
    }

    [Theory, InlineData(QuantizationType.None), InlineData(QuantizationType.AsStored)]
    public void Forward_SmolLm_EqualsItsReference(QuantizationType quantization)
    {
        using var scope = NewDisposeScope();
        using BaseModel model = BaseModel.Load(Shared.Path(SmolLm), new BasePrecision(ComputeDtype.Fp32, quantization));
        using var run = new ReferenceRun(model);
        using var expected = SafetensorsFile.Open(Shared.Path("golden/smollm2/logits.safetensors"));
        double difference = 0;
        foreach (string prompt in expected.Entries.Keys.Where(key => key.EndsWith(".ids", StringComparison.Ordinal)).Select(key => key[..^4]))
        {
            int[] ids = [.. expected.Read(prompt + ".ids").to_type(ScalarType.Int32).data<int>()];
            difference = Math.Max(difference, (run.Logits([ids])[-1] - expected.Read(prompt + ".last_logits")).abs().max().item<float>());
        }
        Assert.True(difference < 2e-3, $"logits differ by {difference}");
        Fidelity.Passed("gguf models", quantization == QuantizationType.None ? "SmolLM2-135M-Instruct.Q4_1" : "SmolLM2-135M-Instruct.Q4_1, as stored", $"logits within {difference:0.0e0}");
    }

    [Fact]
    public void Load_SmolLm_HasItsTextsToo()
    {
        ModelText text = ModelText.Load(Shared.Path(SmolLm));
        Assert.Equal([0, 2], text.EosIds.Order());
        JsonObject golden = JsonNode.Parse(File.ReadAllText(Shared.Path("golden/smollm2/chat.json")))!.AsObject();
        int chats = 0;
        foreach (JsonNode? chat in golden["cases"]?.AsArray() ?? golden["conversations"]!.AsArray())
        {
            ChatMessage[] messages = [.. chat!["messages"]!.AsArray().Select(message => new ChatMessage((string)message!["role"]!, (string)message["content"]!))];
            string rendered = text.ChatTemplate!.Render(messages, (bool?)chat["add_generation_prompt"] ?? true);
            Assert.Equal((string)chat["text"]!, rendered);
            Assert.Equal(chat["ids"]!.AsArray().Select(id => (int)id!), text.Tokenizer!.Encode(rendered));
            chats++;
        }
        Fidelity.Passed("gguf models", "SmolLM2-135M-Instruct.Q4_1 (chat)", $"{chats} conversations: text, ids");
    }

    [Fact]
    public void Load_FolderOfOneGguf_IsThatModel()
    {
        using var folder = new TemporaryFolder();
        File.Copy(Shared.Path("golden/models/gguf/llama.Q8_0.gguf"), Path.Combine(folder.Path, "model.gguf"));
        using (BaseModel model = BaseModel.Load(folder.Path, BasePrecision.Fp32)) Assert.Equal("<s>", model.Tokenizer.BosToken);
        Assert.True(ModelText.WeightBytes(folder.Path) > 100_000);
        File.Copy(Path.Combine(folder.Path, "model.gguf"), Path.Combine(folder.Path, "other.gguf"));
        Assert.Contains("2 GGUF files (model.gguf, other.gguf)", Assert.Throws<GgufException>(() => ModelText.Load(folder.Path)).Message);
        using (BaseModel named = BaseModel.Load(Path.Combine(folder.Path, "other.gguf"), BasePrecision.Fp32)) Assert.Equal(3, named.Config.Layers);
    }

    /// <summary>What is saved of it is a Hugging Face folder that needs no GGUF.</summary>
    [Fact]
    public void Save_OfGguf_LoadsEqual()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using BaseModel model = BaseModel.Load(Shared.Path("golden/models/gguf/qwen2.Q4_0.gguf"), BasePrecision.Fp32);
        model.Save(folder.Path, ComputeDtype.Fp32);
        using BaseModel saved = BaseModel.Load(folder.Path, BasePrecision.Fp32);
        using var run = new ReferenceRun(model);
        using var again = new ReferenceRun(saved);
        int[] ids = saved.Tokenizer.Encode("and then the other");
        Assert.Equal(model.Tokenizer.Encode("and then the other"), ids);
        Assert.True(run.Logits([ids]).Equals(again.Logits([ids])));
        Assert.Equal(model.EosIds, saved.EosIds);
    }

    /// <summary>pytorch_model.bin is as good as safetensors, in one file or in shards.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Load_PytorchModelBin_EqualsSafetensors(bool sharded)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        string source = Shared.Path("golden/models/llama");
        File.Copy(Path.Combine(source, "config.json"), Path.Combine(folder.Path, "config.json"));
        using (var file = SafetensorsFile.Open(Path.Combine(source, "model.safetensors")))
        {
            KeyValuePair<string, Tensor>[] tensors = [.. file.Names.Select(name => KeyValuePair.Create(name, file.Read(name).clone()))];
            if (!sharded) File.WriteAllBytes(Path.Combine(folder.Path, "pytorch_model.bin"), Formats.TorchTestFile.Zip(tensors));
            else WriteShards(folder, tensors);
        }
        using BaseModel model = BaseModel.Load(folder.Path, BasePrecision.Fp32), expected = BaseModel.Load(source, BasePrecision.Fp32);
        using var run = new ReferenceRun(model);
        using var wanted = new ReferenceRun(expected);
        Assert.True(run.Logits([[1, 2, 3]]).Equals(wanted.Logits([[1, 2, 3]])));
    }

    private static void WriteShards(TemporaryFolder folder, KeyValuePair<string, Tensor>[] tensors)
    {
        var map = new JsonObject();
        foreach ((int shard, KeyValuePair<string, Tensor>[] some) in tensors.Chunk(tensors.Length / 2 + 1).Index())
        {
            string name = $"pytorch_model-{shard + 1:00000}-of-00002.bin";
            File.WriteAllBytes(Path.Combine(folder.Path, name), shard == 0 ? Formats.TorchTestFile.Zip(some) : Formats.TorchTestFile.Legacy(some));
            foreach ((string tensor, _) in some) map[tensor] = name;
        }
        folder.Write("pytorch_model.bin.index.json", new JsonObject { ["weight_map"] = map }.ToJsonString());
    }
}
