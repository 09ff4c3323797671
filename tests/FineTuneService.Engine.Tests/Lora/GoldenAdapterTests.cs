using System.Text.Json.Nodes;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Tests.Models;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Lora;

/// <summary>Adapters that PEFT saved, and PEFT's results with them (golden/adapters).</summary>
public sealed class GoldenAdapterTests
{
    public static TheoryData<string> Cases => [.. Shared.Entries("golden/adapters").Select(row => row.Data).Where(name => name != "weighted"),
        .. Shared.Entries("golden/adapters/weighted").SelectMany(row => Shared.Entries($"golden/adapters/weighted/{row.Data}").Select(result => $"weighted/{row.Data}/{result.Data}"))];

    [Theory, MemberData(nameof(Cases))]
    public void Load_PeftAdapter_EqualsPeft(string name)
    {
        string folder = Shared.Path("golden", "adapters", name);
        if (!File.Exists(Path.Combine(folder, "expected.json")) || !File.Exists(Path.Combine(folder, "adapter_config.json"))) return;
        JsonNode json = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "expected.json")))!;
        using var scope = NewDisposeScope();
        (BaseModel model, Adapter adapter) = LoadOrSkip(folder, name, (string)json["base"]!);
        using (model)
        using (adapter)
        using (var run = new ReferenceRun(model))
        using (var expected = SafetensorsFile.Open(Path.Combine(folder, "expected.safetensors")))
        {
            Tensor mask = expected.Read("attention_mask");
            int[][] rows = ReferenceRun.Rows(expected.Read("input_ids"), mask);
            Equal(expected.Read("logits"), mask, run.Logits(rows, adapter), 1e-4);

            if (expected.Entries.ContainsKey("merged_logits")) MergedEqual(model, adapter, expected, rows, mask, (double?)json["merged_vs_adapter_max_abs"]);
            else Assert.Contains("cannot be merged", Assert.Throws<AdapterException>(() => AdapterMerge.Save(model, adapter, folder, ComputeDtype.Fp32)).Message);
            if (adapter.Removed is null) SavedFilesEqual(folder, adapter, model);
            else ConvertedEqual(adapter, model, run, rows, expected.Read("logits"), mask);
        }
        Fidelity.Passed("adapters", name, "logits, merged weights and logits, saved tensors");
    }

    public static TheoryData<string> Unsupported => Shared.Entries("golden/adapters/unsupported");

    [Theory, MemberData(nameof(Unsupported))]
    public void Parse_UnsupportedType_NamesIt(string name)
    {
        string json = File.ReadAllText(Path.Combine(Shared.Path("golden", "adapters", "unsupported", name), "adapter_config.json"));
        var refused = Assert.Throws<AdapterException>(() => PeftConfig.Parse(json));
        string type = (string)JsonNode.Parse(json)!["peft_type"]!;
        Assert.Contains(type == "LORA" ? "adapter_config.json: " : type, refused.Message);
    }

    /// <param name="differs">How far PEFT's own merge is from the adapter: it adds an embedding's matrices to a tied head too, which the adapter
    /// itself does not change. Ours is the adapter's model then.</param>
    private static void MergedEqual(BaseModel model, Adapter adapter, SafetensorsFile expected, int[][] rows, Tensor mask, double? differs)
    {
        using var folder = new TemporaryFolder();
        AdapterMerge.Save(model, adapter, folder.Path, ComputeDtype.Fp32);
        using BaseModel merged = BaseModel.Load(folder.Path, BasePrecision.Fp32);
        using var run = new ReferenceRun(merged);
        Equal(expected.Read(differs < 1e-3 ? "merged_logits" : "logits"), mask, run.Logits(rows), 1e-4);
        if (differs is null or >= 1e-3) return;
        using var file = SafetensorsFile.Open(Path.Combine(folder.Path, "model.safetensors"));
        foreach (string weight in expected.Entries.Keys.Where(key => key.StartsWith("merged.", StringComparison.Ordinal)))
            Assert.True((MergedWeight(file, weight["merged.".Length..]) - expected.Read(weight)).abs().max().item<float>() <= (adapter.Removed is null ? 1e-6 : 1e-5), weight);
    }

    /// <summary>A weight of ours; of experts, which transformers holds in one parameter, stacked of theirs.</summary>
    private static Tensor MergedWeight(SafetensorsFile file, string name)
    {
        if (file.Entries.ContainsKey(name)) return file.Read(name);
        string layer = name[..name.IndexOf(".mlp.", StringComparison.Ordinal)];
        string[][] parts = name.EndsWith("down_proj", StringComparison.Ordinal) ? [["w2", "down_proj"]] : [["w1", "gate_proj"], ["w3", "up_proj"]];
        Tensor[] experts = [.. Enumerable.Range(0, 1024).Select(i => parts.Select(names =>
                file.Entries.Keys.FirstOrDefault(key => key.StartsWith(layer, StringComparison.Ordinal) && names.Any(part => key.EndsWith($".experts.{i}.{part}.weight", StringComparison.Ordinal)))).ToArray())
            .TakeWhile(keys => keys.All(key => key is not null)).Select(keys => cat([.. keys.Select(key => file.Read(key!))], 0))];
        return stack(experts);
    }

    private static void Equal(Tensor wanted, Tensor mask, Tensor made, double tolerance)
    {
        Tensor kept = wanted.flatten(0, 1).index_select(0, mask.flatten().nonzero().flatten());
        double difference = (made - kept).abs().max().item<float>();
        Assert.True(difference < tolerance, $"logits differ by {difference}");
    }

    /// <summary>What we write has PEFT's names, shapes and values.</summary>
    private static void SavedFilesEqual(string folder, Adapter adapter, BaseModel model)
    {
        string saved = Directory.CreateTempSubdirectory("adapter").FullName;
        PeftFolder.Save(adapter, saved, "base");
        using (var ours = SafetensorsFile.Open(Path.Combine(saved, PeftFolder.WeightsFile)))
        using (var theirs = SafetensorsFile.Open(Path.Combine(folder, PeftFolder.WeightsFile)))
        {
            string[] names = [.. theirs.Entries.Keys.Where(key => !key.EndsWith(".base_layer.weight", StringComparison.Ordinal)).Order()];
            Assert.Equal(names, ours.Entries.Keys.Order());
            foreach (string tensor in names) Assert.True(ours.Read(tensor).Equals(theirs.Read(tensor).to_type(ScalarType.Float32)), tensor);
        }
        using (Adapter again = Adapter.Load(saved, model)) Assert.True(again.Values.Flat.Equals(adapter.Values.Flat));
        Directory.Delete(saved, recursive: true);
    }

    /// <summary>What we write of an adapter that changed its base fits the base as it is.</summary>
    private static void ConvertedEqual(Adapter adapter, BaseModel model, ReferenceRun run, int[][] rows, Tensor wanted, Tensor mask)
    {
        using var saved = new TemporaryFolder();
        PeftFolder.Save(adapter, saved.Path, "base");
        using Adapter plain = Adapter.Load(saved.Path, model);
        Assert.Null(plain.Removed);
        Assert.Equal(2 * adapter.Config.Rank, plain.Config.Rank);
        Assert.Equal(adapter.Config.Scaling, plain.Config.Scaling, 1e-12);
        Equal(wanted, mask, run.Logits(rows, plain), 1e-4);
    }

    /// <param name="replaced">Weights that stand in for some of the base's, where this file is there (LoftQ changes the base).</param>
    private static BaseModel LoadBase(string folder, string replaced)
    {
        if (!File.Exists(replaced)) return BaseModel.Load(folder, BasePrecision.Fp32);
        using var changed = new TemporaryFolder();
        Dictionary<string, Tensor> tensors = TensorFile.Read(Path.Combine(folder, "model.safetensors"));
        foreach ((string name, Tensor tensor) in TensorFile.Read(replaced)) tensors[name] = tensor;
        SafetensorsWriter.Write(Path.Combine(changed.Path, "model.safetensors"), tensors);
        changed.Write("config.json", File.ReadAllText(Path.Combine(folder, "config.json")));
        return BaseModel.Load(changed.Path, BasePrecision.Fp32);
    }

    private static (BaseModel, Adapter) LoadOrSkip(string folder, string name, string relativeBase)
    {
        try
        {
            PeftConfig.Parse(File.ReadAllText(Path.Combine(folder, "adapter_config.json")));
            BaseModel model = LoadBase(Path.GetFullPath(Path.Combine(folder, relativeBase)), Path.Combine(folder, "backbone.safetensors"));
            return (model, Adapter.Load(folder, model));
        }
        catch (Exception refused) when (refused is AdapterException or ModelException)
        {
            Fidelity.Skipped("adapters", name, refused.Message);
            throw;
        }
    }
}
