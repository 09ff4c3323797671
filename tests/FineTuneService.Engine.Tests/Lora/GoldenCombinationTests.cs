using System.Text.Json.Nodes;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Tests.Models;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Lora;

/// <summary>Adapters made into one, against what PEFT's add_weighted_adapter made of them (golden/adapters/weighted).</summary>
public sealed class GoldenCombinationTests
{
    public static TheoryData<string> Cases => [.. Shared.Entries("golden/adapters/weighted").Select(row => row.Data).SelectMany(pair => Directory.Exists(Of(pair))
        ? Directory.EnumerateDirectories(Of(pair)).Where(IsCombination).Select(folder => $"{pair}/{Path.GetFileName(folder)}") : [""])];

    [Theory, MemberData(nameof(Cases))]
    public void Combine_TwoAdapters_EqualsPeft(string name)
    {
        string folder = Shared.Path("golden", "adapters", "weighted", name);
        JsonNode json = Expected(folder);
        using var scope = NewDisposeScope();
        using BaseModel model = BaseModel.Load(Path.GetFullPath(Path.Combine(folder, (string)json["base"]!)), BasePrecision.Fp32);
        WeightedAdapter[] adapters = [.. json["adapters"]!.AsArray().Zip(json["weights"]!.AsArray(), (path, weight) => new WeightedAdapter((string)path!, Path.Combine(folder, (string)path!), (double)weight!))];
        CombinationType type = Enum.Parse<CombinationType>((string)json["combination_type"]!, ignoreCase: true);
        using Adapter combined = Adapter.Combine(model.Config, adapters, type, (int?)json["svd_rank"]);

        using var saved = new TemporaryFolder();
        PeftFolder.Save(combined, saved.Path, "base");
        JsonNode ours = JsonNode.Parse(File.ReadAllText(Path.Combine(saved.Path, PeftFolder.ConfigFile)))!, theirs = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, PeftFolder.ConfigFile)))!;
        foreach (string option in new[] { "r", "lora_alpha", "target_modules", "rank_pattern", "alpha_pattern", "use_rslora" }) Assert.True(JsonNode.DeepEquals(ours[option], theirs[option]), option);
        Dictionary<string, Tensor> mine = TensorFile.Read(Path.Combine(saved.Path, PeftFolder.WeightsFile)), wanted = TensorFile.Read(Path.Combine(folder, PeftFolder.WeightsFile));
        Assert.Equal(wanted.Keys.Order(), mine.Keys.Order());
        foreach (string key in wanted.Keys)
        {
            Assert.Equal(wanted[key].shape, mine[key].shape);
            // Singular vectors are known up to their sign: of svd, what the two make together.
            string b = key.Replace("lora_A", "lora_B");
            if (type != CombinationType.Svd) Near(wanted[key], mine[key]);
            else if (b != key) Near(wanted[b].mm(wanted[key]), mine[b].mm(mine[key]));
        }
        using var run = new ReferenceRun(model);
        using var expected = SafetensorsFile.Open(Path.Combine(folder, "expected.safetensors"));
        Tensor mask = expected.Read("attention_mask");
        Tensor logits = expected.Read("logits").flatten(0, 1).index_select(0, mask.flatten().nonzero().flatten());
        Assert.True((run.Logits(ReferenceRun.Rows(expected.Read("input_ids"), mask), combined) - logits).abs().max().item<float>() < 1e-4);
        Fidelity.Passed("adapters", $"weighted/{name} combined here", "config, tensors (svd: their product) and logits");
    }

    private static void Near(Tensor wanted, Tensor made) => Assert.InRange(((made - wanted).norm() / wanted.norm()).item<float>(), 0, 1e-5);

    private static string Of(string pair) => Path.Combine(Shared.Folder, "golden", "adapters", "weighted", pair);

    private static bool IsCombination(string folder) => File.Exists(Path.Combine(folder, "expected.json")) && Expected(folder)["combination_type"] is not null;

    private static JsonNode Expected(string folder) => JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "expected.json")))!;
}
