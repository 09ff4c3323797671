using System.Text.Json;
using System.Text.Json.Nodes;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Formats.Gguf;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Formats;

/// <summary>GGUF files of golden models against the Hugging Face folders that they were made of.</summary>
public sealed class GgufCheckpointTests
{
    /// <summary>Keys of config.json that a GGUF file does not hold, or that say the same in another way.</summary>
    private static readonly string[] NotStored =
        ["architectures", "torch_dtype", "transformers_version", "hidden_act", "hidden_activation", "initializer_range", "use_cache", "pad_token_id", "bos_token_id", "eos_token_id", "rope_scaling", "pretraining_tp"];

    public static TheoryData<string> Files() => Shared.Entries("golden/models/gguf", "*.gguf");

    [Theory, MemberData(nameof(Files))]
    public void Read_GoldenFile_IsTheModelItWasMadeOf(string name)
    {
        using var scope = NewDisposeScope();
        string folder = Shared.Path("golden/models", name.Split('.')[0]);
        using var file = GgufCheckpoint.Open(Shared.Path("golden/models/gguf", name));
        using var model = ModelFiles.Open(folder);
        string[] names = [.. model.Names.Where(tensor => !tensor.EndsWith("inv_freq", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
        Assert.Equal(names, file.Names.Order(StringComparer.Ordinal));
        float worst = 0;
        foreach (string tensor in names)
        {
            StoredTensor stored = file.Find(tensor)!;
            Assert.Equal(model.Find(tensor)!.Shape, stored.Shape);
            Tensor expected = model.Read(tensor).to_type(ScalarType.Float32), values = file.Read(tensor).to_type(ScalarType.Float32), copy = empty_like(expected);
            Assert.True(allclose(values, expected, rtol: 0, atol: Tolerance(stored, expected)), tensor);
            worst = Math.Max(worst, (values - expected).abs().max().item<float>());
            file.CopyTo(tensor, copy);
            Assert.True(copy.Equals(values), tensor);
            if (stored.DtypeName is not ("F32" or "F16" or "BF16") && file.Blocks(tensor) is var blocks)
            {
                var decoded = new float[stored.Count];
                stored.Ggml!.DecodeAll(blocks.bytes, decoded);
                Assert.Equal(values.data<float>().ToArray(), decoded);
            }
        }
        Fidelity.Passed("gguf", name, $"names, shapes and config of the model; values at most {worst:0.0e+0} from it");
    }

    [Theory, MemberData(nameof(Files))]
    public void Config_GoldenFile_SaysWhatTheModelsOwnDoes(string name)
    {
        JsonObject expected = JsonNode.Parse(File.ReadAllText(Shared.Path("golden/models", name.Split('.')[0], "config.json")))!.AsObject();
        using var file = GgufCheckpoint.Open(Shared.Path("golden/models/gguf", name));
        JsonObject config = JsonNode.Parse(file.Config)!.AsObject();
        foreach ((string key, JsonNode? value) in config)
        {
            if (NotStored.Contains(key) || !expected.TryGetPropertyValue(key, out JsonNode? wanted) || wanted is null) continue;
            if (wanted.GetValueKind() == JsonValueKind.Number) Assert.Equal((double)wanted, (double)value!, (double)wanted * 1e-6);
            else Assert.True(JsonNode.DeepEquals(wanted, value), $"{key}: {value} is not {wanted}");
        }
        Assert.Equal((string?)expected["model_type"], (string?)config["model_type"]);
        Assert.Equal(expected["rope_scaling"] is not null, config["rope_scaling"] is not null);
    }

    /// <summary>How far a stored type may be from a number: half of its step, at the largest number.</summary>
    private static double Tolerance(StoredTensor stored, Tensor expected)
    {
        double most = expected.abs().max().item<float>();
        return stored.DtypeName switch
        {
            "F32" => 1.2e-7, // A norm's one, added and taken away.
            "F16" => most / 2048,
            "BF16" => most / 256,
            "Q8_0" => most / 127,
            "Q6_K" => most / 16,
            "Q5_0" or "Q5_1" or "Q5_K" => most / 8,
            _ => most / 3,
        };
    }
}
