using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Tests.Models;
using FineTuneService.Engine.Training;
using FineTuneService.Engine.Training.Optimizers;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Families;

/// <summary>What every family writes: adapters under PEFT's keys, models and merged models under the family's own, each read back.</summary>
public sealed partial class FamilyFilesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Names => [.. GoldenModel.Names];

    [Theory, MemberData(nameof(Names))]
    public void Save_TrainedAdapter_LoadsBackEqualUnderPeftsKeys(string name)
    {
        using var scope = NewDisposeScope();
        using BaseModel model = GoldenModel.Load(name, BasePrecision.Fp32);
        using Adapter adapter = Adapter.Create(model, new LoraConfig { Rank = 3, Alpha = 6 }, seed: 1);
        Train(model, adapter, GoldenModel.Rows(name));
        Assert.False(adapter.ChangesNothing);
        PeftFolder.Save(adapter, _folder.Path, name);

        using Adapter loaded = PeftFolder.Load(_folder.Path, model.Config.Slots, CPU);
        Assert.True(adapter.Values.Flat.Equals(loaded.Values.Flat));
        using var run = new ReferenceRun(model);
        int[][] rows = GoldenModel.Rows(name);
        Assert.True(run.Logits(rows, adapter).Equals(run.Logits(rows, loaded)));

        Dictionary<string, long[]> linears = Linears(name);
        using var file = SafetensorsFile.Open(Path.Combine(_folder.Path, PeftFolder.WeightsFile));
        Assert.Equal(
            linears.Keys.SelectMany(module => new[] { PeftKeys.A(module), PeftKeys.B(module) }).Order(StringComparer.Ordinal), file.Entries.Keys.Order(StringComparer.Ordinal));
        foreach ((string module, long[] shape) in linears)
        {
            Assert.Equal([3, shape[1]], file.Entries[PeftKeys.A(module)].Shape);
            Assert.Equal([shape[0], 3], file.Entries[PeftKeys.B(module)].Shape);
        }
        JsonNode config = JsonNode.Parse(File.ReadAllText(Path.Combine(_folder.Path, PeftFolder.ConfigFile)))!;
        Assert.Equal(
            linears.Keys.Select(module => module[(module.LastIndexOf('.') + 1)..]).Distinct().Order(StringComparer.Ordinal),
            config["target_modules"]!.AsArray().Select(target => (string)target!).Order(StringComparer.Ordinal));
    }

    [Theory, MemberData(nameof(Names))]
    public void Save_Model_LoadsBackToTheSameTensorsAndLogits(string name)
    {
        using var scope = NewDisposeScope();
        using BaseModel model = GoldenModel.Load(name, BasePrecision.Fp32);
        model.Save(_folder.Path, ComputeDtype.Fp32);
        using (BaseModel loaded = BaseModel.Load(_folder.Path, BasePrecision.Fp32)) Assert.True(Logits(model, name).Equals(Logits(loaded, name)));
        Dictionary<string, Tensor> saved = TensorFile.Read(Path.Combine(_folder.Path, "model.safetensors")), stored = Stored(name);
        Assert.Equal((long)Expected(name)["n_parameters"]!, saved.Values.Sum(tensor => tensor.numel()));
        foreach ((string tensor, Tensor value) in saved)
            Assert.True(value.Equals(stored[stored.ContainsKey(tensor) ? tensor : tensor[(tensor.IndexOf('.') + 1)..]].to_type(ScalarType.Float32)), tensor);

        model.Save(_folder.Path, ComputeDtype.Bf16);
        using BaseModel rounded = GoldenModel.Load(name, BasePrecision.Bf16), loadedRounded = BaseModel.Load(_folder.Path, BasePrecision.Bf16);
        Assert.True(Logits(rounded, name).Equals(Logits(loadedRounded, name)));
    }

    [Theory, MemberData(nameof(Names))]
    public void Load_ShardsOfHalfPrecision_EqualOneFile(string name)
    {
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> tensors = Stored(name).ToDictionary(entry => entry.Key, entry => entry.Value.to_type(ScalarType.Float16));
        File.Copy(Path.Combine(GoldenModel.Folder(name), "config.json"), Path.Combine(_folder.Path, "config.json"));
        SafetensorsWriter.Write(Path.Combine(_folder.Path, "model.safetensors"), tensors);
        using BaseModel whole = BaseModel.Load(_folder.Path, BasePrecision.Fp32);
        File.Delete(Path.Combine(_folder.Path, "model.safetensors"));
        var places = new JsonObject();
        foreach ((int i, KeyValuePair<string, Tensor>[] shard) in tensors.Chunk((tensors.Count + 1) / 2).Index())
        {
            string file = $"model-{i + 1:00000}-of-00002.safetensors";
            SafetensorsWriter.Write(Path.Combine(_folder.Path, file), shard);
            foreach ((string tensor, _) in shard) places[tensor] = file;
        }
        _folder.Write("model.safetensors.index.json", new JsonObject { ["metadata"] = new JsonObject(), ["weight_map"] = places }.ToJsonString());
        using BaseModel sharded = BaseModel.Load(_folder.Path, BasePrecision.Fp32), full = GoldenModel.Load(name, BasePrecision.Fp32);
        Assert.True(Logits(whole, name).Equals(Logits(sharded, name)));
        Near(Logits(full, name), Logits(sharded, name), 0.1);
    }

    [Theory, MemberData(nameof(Names))]
    public void Save_Merged_AnswersAsTheAdapter(string name)
    {
        using var scope = NewDisposeScope();
        using BaseModel model = GoldenModel.Load(name, BasePrecision.Fp32);
        using Adapter adapter = GoldenModel.Adapter(model);
        AdapterMerge.Save(model, adapter, _folder.Path, ComputeDtype.Fp32);
        using BaseModel merged = BaseModel.Load(_folder.Path, BasePrecision.Fp32);
        using var run = new ReferenceRun(model);
        Near(run.Logits(GoldenModel.Rows(name), adapter), Logits(merged, name), 1e-4);
    }

    public void Dispose() => _folder.Dispose();

    internal static void Train(BaseModel model, Adapter adapter, int[][] rows, int steps = 4)
    {
        var config = new TrainingConfig { Lora = adapter.Config };
        using var parameters = new AdapterParameters(adapter);
        using var decoder = new Decoder(model.Config, model.Weights);
        using var optimizer = new AdamW(config.Optimizer, parameters.Set(config.Optimizer));
        using var step = new TrainingStep(decoder, parameters, adapter, optimizer, config);
        MicroBatch batch = MicroBatch.Of([.. rows.Select(row => new TrainingRow(row, row))]);
        double[] losses = [.. Enumerable.Range(0, steps).Select(_ => step.Run([batch], learningRate: 1e-2).Loss)];
        Assert.True(losses[^1] < losses[0], $"the loss went from {losses[0]} to {losses[^1]}");
    }

    private static Tensor Logits(BaseModel model, string name)
    {
        using var run = new ReferenceRun(model);
        return run.Logits(GoldenModel.Rows(name));
    }

    private static void Near(Tensor wanted, Tensor made, double most) => Assert.InRange(((made - wanted).norm() / wanted.norm()).item<float>(), 0, most);

    private static JsonNode Expected(string name) => JsonNode.Parse(File.ReadAllText(Path.Combine(GoldenModel.Folder(name), "expected.json")))!;

    internal static Dictionary<string, Tensor> Stored(string name) => Directory.EnumerateFiles(GoldenModel.Folder(name), "model*.safetensors")
        .SelectMany(file => TensorFile.Read(file)).ToDictionary(entry => entry.Key, entry => entry.Value);

    /// <summary>The modules that PEFT's all-linear takes, and the shapes of their weights [out, in], by the file's own list: matrices of no embedding,
    /// head, norm or router.</summary>
    internal static Dictionary<string, long[]> Linears(string name)
    {
        JsonNode config = JsonNode.Parse(File.ReadAllText(Path.Combine(GoldenModel.Folder(name), "config.json")))!;
        // GPT-2's modules are Conv1D, which stores [in, out]; its files may leave out the name of the module that holds all.
        bool transposed = (string?)config["model_type"] == "gpt2";
        var linears = new Dictionary<string, long[]>();
        foreach ((string tensor, Tensor value) in Stored(name))
        {
            if (value.shape.Length != 2 || !tensor.EndsWith(".weight", StringComparison.Ordinal) || NotLinear().IsMatch(tensor)) continue;
            string module = tensor[..^".weight".Length];
            linears[transposed && !module.StartsWith("transformer.", StringComparison.Ordinal) ? "transformer." + module : module] = transposed ? [.. value.shape.Reverse()] : value.shape;
        }
        return linears;
    }

    [GeneratedRegex(@"embed|wte|wpe|lm_head|norm|ln_|(block_sparse_moe|mlp)\.gate\.")]
    private static partial Regex NotLinear();
}
