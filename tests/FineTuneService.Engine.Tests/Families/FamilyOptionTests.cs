using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Tests.Models;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Families;

/// <summary>
/// An adapter trained on every family with each of PEFT's options that changes what an adapter's file lists: it loads back equal, and lists what PEFT
/// does, by the names in the base's own file.
/// </summary>
public sealed partial class FamilyOptionTests : IDisposable
{
    private const int Rank = 2;

    private readonly TemporaryFolder _folder = new();

    /// <summary>Of models whose files list the same tensors, one.</summary>
    public static TheoryData<string> Names => Shared.Present ? [.. GoldenModel.Names.DistinctBy(Layout)] : [""];

    [Theory, MemberData(nameof(Names))]
    public void Save_AdapterWithEachOption_LoadsBackEqualUnderPeftsKeys(string name)
    {
        using var scope = NewDisposeScope();
        using BaseModel model = GoldenModel.Load(name, BasePrecision.Fp32);
        int[][] rows = GoldenModel.Rows(name);
        foreach ((string option, LoraConfig config, IEnumerable<string> keys) in Options(name))
        {
            using var inner = NewDisposeScope();
            using Adapter adapter = Adapter.Create(model, config, seed: 1);
            FamilyFilesTests.Train(model, adapter, rows, steps: 2);
            PeftFolder.Save(adapter, _folder.Path, name);
            using (var file = SafetensorsFile.Open(Path.Combine(_folder.Path, PeftFolder.WeightsFile)))
            {
                string[] expected = [.. keys.Select(key => "base_model.model." + key).Order(StringComparer.Ordinal)];
                Assert.True(expected.SequenceEqual(file.Names.Order(StringComparer.Ordinal)), $"{option}: {string.Join(", ", file.Names.Except(expected))} too many, {string.Join(", ", expected.Except(file.Names))} missing");
            }
            using Adapter loaded = Adapter.Load(_folder.Path, model);
            Assert.True(adapter.Values.Flat.Equals(loaded.Values.Flat), option);
        }
        Fidelity.Passed("adapters", $"trained on {name}", "each option of PEFT's loads back equal under PEFT's keys");
    }

    [Theory, MemberData(nameof(Names))]
    public void Save_MergedExpertParameters_AnswerAsTheAdapter(string name)
    {
        if (Experts(name).Length == 0) return;
        using var scope = NewDisposeScope();
        using BaseModel model = GoldenModel.Load(name, BasePrecision.Fp32);
        int[][] rows = GoldenModel.Rows(name);
        using Adapter adapter = Adapter.Create(model, OfExperts, seed: 1);
        FamilyFilesTests.Train(model, adapter, rows);
        AdapterMerge.Save(model, adapter, _folder.Path, ComputeDtype.Fp32);
        using BaseModel merged = BaseModel.Load(_folder.Path, BasePrecision.Fp32);
        using ReferenceRun run = new(model), mergedRun = new(merged);
        Tensor wanted = run.Logits(rows, adapter);
        Assert.InRange(((mergedRun.Logits(rows) - wanted).norm() / wanted.norm()).item<float>(), 0, 1e-4);
        Assert.False(run.Logits(rows).Equals(wanted));
    }

    public void Dispose() => _folder.Dispose();

    private static string Layout(string name)
    {
        IEnumerable<string> tensors = Directory.EnumerateFiles(GoldenModel.Folder(name), "model*.safetensors").SelectMany(path =>
        {
            using var file = SafetensorsFile.Open(path);
            return file.Names;
        });
        JsonNode config = JsonNode.Parse(File.ReadAllText(Path.Combine(GoldenModel.Folder(name), "config.json")))!;
        return $"{config["model_type"]} {string.Join(' ', tensors.Order(StringComparer.Ordinal))}";
    }

    private static LoraConfig OfExperts => new() { Rank = Rank, Alpha = 4, TargetParameters = ["mlp.experts.gate_up_proj", "mlp.experts.down_proj"] };

    private static IEnumerable<(string Option, LoraConfig Config, IEnumerable<string> Keys)> Options(string name)
    {
        var plain = new LoraConfig { Rank = Rank, Alpha = 4 };
        string[] linears = [.. FamilyFilesTests.Linears(name).Keys], tensors = [.. FamilyFilesTests.Stored(name).Keys.Select(tensor => Whole(name, tensor))];
        string embedding = tensors.First(tensor => EmbeddingTensor().IsMatch(tensor))[..^".weight".Length];
        string head = tensors.FirstOrDefault(tensor => HeadTensor().IsMatch(tensor))?[..^".weight".Length] ?? "lm_head";
        string[] pairs = Pairs(linears), biases = [.. tensors.Where(tensor => tensor.EndsWith(".bias", StringComparison.Ordinal) && !Mask().IsMatch(tensor))];
        IEnumerable<string> Own(Func<string, bool> which) => biases.Where(bias => which(bias[..^".bias".Length])).Select(bias => linears.Contains(bias[..^".bias".Length]) ? bias[..^"bias".Length] + "base_layer.bias" : bias);

        // What goes together is trained together.
        yield return ("use_dora, bias all", plain with { UseDora = true, Bias = LoraBias.All }, [.. pairs, .. linears.Select(module => module + ".lora_magnitude_vector"), .. Own(_ => true)]);
        yield return ("lora_bias, bias lora_only, trainable_token_indices",
            plain with { BiasOfB = true, Bias = LoraBias.LoraOnly, TrainableTokenIndices = new Dictionary<string, IReadOnlyList<int>> { [""] = [3, 5] } },
            [.. pairs, .. linears.Select(module => module + ".lora_B.bias"), .. Own(linears.Contains), embedding + ".token_adapter.trainable_tokens_delta"]);
        yield return ("modules_to_save", plain with { ModulesToSave = [Last(head), Last(embedding)] },
            [.. pairs, head + ".weight", .. biases.Where(bias => bias == head + ".bias"), embedding + ".weight"]);
        yield return ("embedding", plain with { TargetModules = [Last(embedding), .. linears.Select(Last).Distinct()] }, [.. pairs, embedding + ".lora_embedding_A", embedding + ".lora_embedding_B"]);
        string[] experts = Experts(name);
        if (experts.Length == 0) yield break;
        yield return ("target_parameters", OfExperts with { TargetModules = ["q_proj"] },
            [.. Pairs(linears.Where(module => Last(module) == "q_proj")), .. Pairs(experts), .. Pairs(experts.Select(module => module + ".base_layer"))]);
        yield return ("one target parameter", OfExperts with { TargetModules = [], TargetParameters = ["mlp.experts.down_proj"] }, Pairs(experts));
    }

    /// <summary>transformers' modules of all experts of a layer.</summary>
    private static string[] Experts(string name) => [.. FamilyFilesTests.Stored(name).Keys.Select(tensor => ExpertTensor().Match(tensor)).Where(match => match.Success)
        .Select(match => match.Groups[1].Value + ".mlp.experts").Distinct()];

    private static string[] Pairs(IEnumerable<string> modules) => [.. modules.SelectMany(module => new[] { $"{module}.lora_A.weight", $"{module}.lora_B.weight" })];

    private static string Last(string module) => module[(module.LastIndexOf('.') + 1)..];

    /// <summary>GPT-2's files may leave out the name of the module that holds all.</summary>
    private static string Whole(string name, string tensor) =>
        name.StartsWith("gpt2", StringComparison.Ordinal) && !tensor.StartsWith("transformer.", StringComparison.Ordinal) && !tensor.StartsWith("lm_head", StringComparison.Ordinal) ? "transformer." + tensor : tensor;

    [GeneratedRegex(@"(embed_tokens|wte|embed_in|word_embeddings)\.weight$")]
    private static partial Regex EmbeddingTensor();

    [GeneratedRegex(@"^(lm_head|embed_out)\.weight$")]
    private static partial Regex HeadTensor();

    /// <summary>Buffers that old files hold.</summary>
    [GeneratedRegex(@"\.(attn|attention)\.(masked_)?bias$")]
    private static partial Regex Mask();

    [GeneratedRegex(@"^(.*layers\.\d+)\.(mlp|block_sparse_moe)\.experts\.")]
    private static partial Regex ExpertTensor();
}
