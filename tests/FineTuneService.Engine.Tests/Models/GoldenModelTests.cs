using System.Text.Json.Nodes;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Models;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Models;

/// <summary>transformers' logits, losses and greedy ids (golden/models, models).</summary>
public sealed class GoldenModelTests
{
    public static TheoryData<string> Cases => Shared.Entries("golden/models");

    [Theory, MemberData(nameof(Cases))]
    public void Forward_GoldenModel_EqualsTransformers(string name)
    {
        string folder = Shared.Path("golden", "models", name);
        if (!File.Exists(Path.Combine(folder, "config.json"))) return; // The folder's README, scripts and GGUF files.
        using var scope = NewDisposeScope();
        using BaseModel model = LoadOrSkip(folder, "models", name);
        using var run = new ReferenceRun(model);
        using var expected = SafetensorsFile.Open(Path.Combine(folder, "expected.safetensors"));
        JsonNode json = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "expected.json")))!;

        Tensor mask = expected.Read("attention_mask");
        int[][] rows = ReferenceRun.Rows(expected.Read("input_ids"), mask);
        Tensor wanted = expected.Read("logits").flatten(0, 1).index_select(0, mask.flatten().nonzero().flatten());
        double difference = (run.Logits(rows) - wanted).abs().max().item<float>();
        Assert.True(difference < 1e-4, $"logits differ by {difference}");
        // Rope that looks at the longest position of the batch gives a row alone other logits: its loss is not the batch's.
        if (model.Config.RopeScaling is not (DynamicRopeScaling or LongRopeScaling)) Assert.Equal((double)json["loss"]!, run.Loss(rows), 1e-5);
        foreach (JsonNode? row in json["rows"]!.AsArray())
        {
            Assert.Equal((double)row!["mean_loss_alone"]!, run.Loss([[.. row["ids"]!.AsArray().Select(id => (int)id!)]]), 1e-5);
            int[] greedy = [.. row["greedy"]!.AsArray().Select(id => (int)id!)];
            Assert.Equal(greedy, run.Greedy([.. row["ids"]!.AsArray().Select(id => (int)id!)], greedy.Length));
        }
        Fidelity.Passed("models", name, $"logits within {difference:0.0e0}, loss, greedy ids");
    }

    /// <summary>A file in fp16 holds the same numbers in fp16 as in fp32, and is computed alike.</summary>
    [Theory, MemberData(nameof(Cases))]
    public void Forward_Fp16File_EqualsTransformersInFp16Too(string name)
    {
        string folder = Shared.Path("golden", "models", name);
        if (!name.EndsWith("fp16", StringComparison.Ordinal) || !Directory.Exists(folder)) return;
        using var scope = NewDisposeScope();
        var precision = new BasePrecision(ComputeDtype.Fp16);
        using BaseModel model = BaseModel.Load(folder, precision), wide = BaseModel.Load(folder, BasePrecision.Fp32);
        Assert.Equal(precision.BytesOf(model.Config), model.Bytes);
        Assert.InRange(model.Bytes, wide.Bytes / 2, wide.Bytes * 11 / 20);
        using var run = new ReferenceRun(model);
        using var expected = SafetensorsFile.Open(Path.Combine(folder, "expected.safetensors"));
        JsonNode json = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "expected.json")))!;
        Tensor mask = expected.Read("attention_mask");
        int[][] rows = ReferenceRun.Rows(expected.Read("input_ids"), mask);
        Tensor wanted = expected.Read("logits").flatten(0, 1).index_select(0, mask.flatten().nonzero().flatten());
        double difference = (run.Logits(rows) - wanted).abs().max().item<float>();
        Assert.True(difference < 1e-4, $"logits differ by {difference}");
        int[] greedy = [.. json["rows"]![0]!["greedy"]!.AsArray().Select(id => (int)id!)];
        Assert.Equal(greedy, run.Greedy(rows[0], greedy.Length));
        Fidelity.Passed("models", name + ", base_dtype fp16", $"logits within {difference:0.0e0}, greedy ids");
    }

    public static TheoryData<string> RealModels => Shared.Entries("models");

    [Theory, MemberData(nameof(RealModels))]
    public void Forward_RealModel_EqualsItsReference(string name)
    {
        string folder = Shared.Path("models", name);
        if (!File.Exists(Path.Combine(folder, "golden_logits.safetensors"))) return; // GGUF's references lie under golden.
        using var scope = NewDisposeScope();
        using BaseModel model = LoadOrSkip(folder, "real models", name);
        using var run = new ReferenceRun(model);
        using var expected = SafetensorsFile.Open(Path.Combine(folder, "golden_logits.safetensors"));
        JsonNode json = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "golden.json")))!;
        foreach (string prompt in expected.Entries.Keys.Where(key => key.EndsWith(".ids", StringComparison.Ordinal)).Select(key => key[..^4]))
        {
            int[] ids = expected.Read(prompt + ".ids").data<int>().ToArray();
            double difference = (run.Logits([ids]) - expected.Read(prompt + ".logits")).abs().max().item<float>();
            Assert.True(difference < 1e-4, $"{prompt}: logits differ by {difference}");
        }
        int[] greedy = [.. json["greedy"]!["ids"]!.AsArray().Select(id => (int)id!)];
        int promptLength = (int?)json["greedy"]!["prompt_tokens"] ?? expected.Read("prompt0.ids").data<int>().ToArray().Length;
        Assert.Equal(greedy[promptLength..], run.Greedy(greedy[..promptLength], greedy.Length - promptLength));
        JsonArray stories = json["stories"]!.AsArray(), texts = json["tokenize"]!.AsArray();
        for (int i = 0; i < stories.Count; i++)
        {
            // A reference may have scored only the first tokens of a text.
            int[] ids = [.. texts[i]!["ids"]!.AsArray().Select(id => (int)id!).Take((int)stories[i]!["tokens"]!)];
            Assert.Equal((double)stories[i]!["nll"]!, run.Loss([ids]), 1e-5);
        }
        Fidelity.Passed("real models", name, "logits, greedy ids, losses");
    }

    private static BaseModel LoadOrSkip(string folder, string area, string name)
    {
        try
        {
            return BaseModel.Load(folder, BasePrecision.Fp32);
        }
        catch (ModelException refused) when (refused.Message.Contains("not supported"))
        {
            Fidelity.Skipped(area, name, refused.Message);
            throw;
        }
    }
}
