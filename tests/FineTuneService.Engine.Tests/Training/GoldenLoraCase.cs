using System.Text.Json.Nodes;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Operations;
using FineTuneService.Engine.Quantization;
using FineTuneService.Engine.Training.Methods;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Training;

/// <summary>A case of golden/lora: its run, its batches, and what the reference got.</summary>
internal sealed class GoldenLoraCase
{
    private readonly Dictionary<string, Tensor> _batches;

    public GoldenLoraCase(string folder)
    {
        Folder = folder;
        Json = Read("case.json");
        _batches = TensorFile.Read(Path.Combine(folder, "batches.safetensors"));
        Recipe = TrainingRecipe.Parse(Json);
        // The references were made on a CPU, whose 8-bit kernels round by a table.
        Recipe = Recipe with { Config = Recipe.Config with { Optimizer = Recipe.Config.Optimizer with { BinnedCodes = true } } };
        Expected = Read("expected.json");
        string model = (string)Json["base_model"]!;
        Model = BaseModel.Load(model.StartsWith("./", StringComparison.Ordinal)
            ? Path.Combine(folder, "../..", model) : Shared.Path(model.Split('/')), Recipe.Precision);
    }

    public string Folder { get; }
    public JsonObject Json { get; }
    public TrainingRecipe Recipe { get; }
    public JsonObject Expected { get; }
    public BaseModel Model { get; }

    /// <summary>Optimizer steps that the run has; its schedule may be longer.</summary>
    public int Steps => Recipe.Config.MaxSteps!.Value;

    /// <summary>Where the optimizer keeps 8 bits, a gradient's last bit decides now and then which code a state is rounded to, and a code is some
    /// percent: the two instruction sets of one machine differ by more than fp32 runs may.</summary>
    public double Tolerance(string name) => (double)Json["tolerance"]![name]! * (Recipe.Config.Optimizer.Name.EndsWith("_8bit", StringComparison.Ordinal) ? 10 : 1);

    public JsonObject Read(string file) => JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, file)))!.AsObject();

    /// <summary>The stored adapter, on the run's base.</summary>
    public Adapter Adapter(string name)
    {
        // A stored adapter may name targets that are not here; a run is refused for them.
        LoraLayout.Of(Model.Config.Slots, Recipe.Config.Lora!);
        Adapter adapter = Engine.Lora.Adapter.Empty(Model.Config.Slots, Recipe.Config.Lora!, CPU, Recipe.Config.AllBf16);
        Dictionary<string, Tensor> stored = TensorFile.Read(Path.Combine(Folder, name, "adapter_model.safetensors"));
        foreach ((string key, View view) in adapter.Values.Layout.Views) view.In(adapter.Values.Flat).copy_(stored[key]);
        // What the run took off its base, and the base that it left.
        if (File.Exists(Path.Combine(Folder, Residual))) RemoveFromBase(adapter);
        adapter.Changed();
        return adapter;
    }

    private const string Residual = "base-residual.safetensors";

    private void RemoveFromBase(Adapter adapter)
    {
        adapter.RemoveFromBase();
        using var pool = new BufferPool(CPU);
        foreach ((string name, Tensor left) in TensorFile.Read(Path.Combine(Folder, Residual)))
        {
            string module = name[..name.LastIndexOf('.')];
            LinearWeight linear = Model.Weights.Linears.First(linear => linear.Parts.Any(part => part.Module == module));
            Tensor difference = DoraScales.AdaptedWeight(linear, adapter.Values[module]!, adapter.Values[module]! with { B = 2 * adapter.Values[module]!.B }, pool) - left;
            Assert.True(difference.abs().max().item<float>() < 1e-6, name);
        }
    }

    /// <summary>Micro batches of a step, counted from 1.</summary>
    public IReadOnlyList<MicroBatch> Step(int step)
    {
        int accumulation = Recipe.Config.GradientAccumulationSteps;
        return [.. Enumerable.Range((step - 1) * accumulation, accumulation).Select(Batch)];
    }

    /// <summary>Whether the case is one batch, packed and not, instead of a run.</summary>
    public bool IsPacking => _batches.ContainsKey("packed.input_ids");

    /// <param name="kind">packed or unpacked.</param>
    public MicroBatch PackingBatch(string kind)
    {
        Tensor Of(string name) => _batches[$"{kind}.{name}"];
        if (kind != "packed") return MicroBatch.Of(Rows(Of("input_ids"), Of("labels"), Of("attention_mask")));
        List<TrainingRow> rows = Rows(Of("input_ids"), Of("labels"), ones_like(Of("input_ids")));
        return MicroBatch.Of([.. rows.Select((row, i) => row with { SequenceLengths = Lengths(Ints(Of("position_ids").select(0, i), row.Ids.Length)) })]);
    }

    /// <summary>Tokens of each sequence, from positions that begin at 0 in each.</summary>
    private static int[] Lengths(int[] positions)
    {
        int[] starts = [.. Enumerable.Range(0, positions.Length).Where(i => positions[i] == 0), positions.Length];
        return [.. starts.Zip(starts.Skip(1), (start, end) => end - start)];
    }

    /// <summary>Empty where the case has none.</summary>
    public IReadOnlyList<TrainingRow> EvaluationRows => !_batches.ContainsKey("eval.input_ids") ? [] : Rows(_batches["eval.input_ids"], _batches["eval.labels"], _batches["eval.attention_mask"]);

    private MicroBatch Batch(int index)
    {
        Tensor Of(string name) => _batches[name].select(0, index);
        List<TrainingRow> rows = _batches.ContainsKey("completion_mask")
            ? Pairs(Rows(Of("input_ids"), Of("input_ids").masked_fill(Of("completion_mask").eq(0), TrainingRow.Ignored), Of("attention_mask")))
            : Rows(Of("input_ids"), Of("labels"), Of("attention_mask"));
        MicroBatch batch = TrainingMethod.Of(Recipe.Config).Batch(rows);
        if (Recipe.Config.Lora is { Dropout: > 0 } lora) batch = batch with { Dropout = StoredDropout(index, lora.Dropout) };
        return _batches.ContainsKey("neftune_noise") ? batch with { EmbeddingNoise = StoredNoise(index) } : batch;
    }

    /// <summary>All chosen, then all rejected.</summary>
    private static List<TrainingRow> Pairs(List<TrainingRow> rows) =>
        [.. rows.Take(rows.Count / 2).Select((chosen, i) => chosen with { Rejected = rows[rows.Count / 2 + i] })];

    /// <summary>The stored noise is as wide as the reference's batch.</summary>
    private Action<Tensor> StoredNoise(int index) => embedded =>
    {
        Tensor noise = _batches["neftune_noise"].select(0, index);
        embedded.add_(noise.narrow(1, 0, embedded.shape[0] / noise.shape[0]).reshape(embedded.shape));
    };

    /// <summary>The stored mask is as wide as the reference's batch, which may be padded further than its longest row.</summary>
    private Dropout StoredDropout(int index, double probability) => (module, input, output, _) =>
    {
        Tensor mask = _batches["dropout_mask." + module].select(0, index);
        long rows = mask.shape[0], features = mask.shape[^1];
        Tensor cut = mask.narrow(1, 0, input.numel() / (rows * features)).contiguous().view(input.shape).to_type(input.dtype);
        output.copy_(input.mul(cut).div_(1 - probability));
    };

    private List<TrainingRow> Rows(Tensor ids, Tensor labels, Tensor mask)
    {
        var rows = new List<TrainingRow>();
        for (int row = 0; row < ids.shape[0]; row++)
        {
            // LLM.int8 looks for outliers in every token of the batch, the reference's padding included.
            int length = Recipe.Precision.Format is Int8Format { Threshold: > 0 } ? (int)ids.shape[1] : (int)mask.select(0, row).sum().item<long>();
            rows.Add(new TrainingRow(Ints(ids.select(0, row), length), Ints(labels.select(0, row), length)));
        }
        return rows;
    }

    private static int[] Ints(Tensor row, int length) => [.. row.contiguous().data<long>().ToArray().Take(length).Select(id => (int)id)];
}
