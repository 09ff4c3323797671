using System.Text.Json.Nodes;
using FineTuneService.Engine.Training;
using FineTuneService.Engine.Training.Optimizers;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Training.Optimizers;

/// <summary>A trajectory of golden/optimizers: three parameters over twenty steps of stored gradients.</summary>
internal sealed class GoldenOptimizer : IDisposable
{
    private static readonly Dictionary<string, string> Kinds = new()
    {
        ["adam-l2"] = "adam",
        ["adamw"] = "adamw",
        ["sgd"] = "sgd",
        ["adafactor"] = "adafactor",
        ["lion"] = "lion",
        ["adamw8bit"] = "adamw8bit",
        ["lion8bit"] = "lion8bit",
    };

    private readonly Dictionary<string, Tensor> _inputs = TensorFile.Read(Shared.Path("golden", "optimizers", "inputs.safetensors"));
    private readonly List<NamedParameter> _named = [];

    /// <exception cref="NotSupportedException">Names what is not built.</exception>
    public GoldenOptimizer(JsonObject entry)
    {
        Name = (string)entry["name"]!;
        Config = Parse(Name, entry["fields"]!.AsObject());
        Dtype = (string?)entry["dtype"] == "bfloat16" ? ScalarType.BFloat16 : ScalarType.Float32;
        Steps = (int)entry["steps"]!;
        Kept = [.. entry["kept_steps"]!.AsArray().Select(step => (int)step!)];
        Rates = entry["learning_rates"] is JsonArray rates ? [.. rates.Select(rate => (double)rate!)]
            : [.. Enumerable.Repeat((double?)entry["fields"]!["lr"] ?? 0, Steps)];
        long offset = 0;
        foreach (string name in _inputs.Keys.Where(key => key.StartsWith("initial.", StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            var parameter = new NamedParameter(name["initial.".Length..], offset, _inputs[name].shape);
            _named.Add(parameter);
            offset += parameter.Length;
        }
        Values = zeros(offset, Dtype).DetachFromDisposeScope();
        Gradients = zeros(offset, Dtype).DetachFromDisposeScope();
        foreach (NamedParameter parameter in _named) parameter.In(Values).copy_(_inputs["initial." + parameter.Name]);
        Optimizer = OptimizerTable.Make(Config, new ParameterSet(Values, Gradients, _named, _ => new UpdateRule(1, Config.WeightDecay)));
    }

    public string Name { get; }
    public OptimizerConfig Config { get; }
    public ScalarType Dtype { get; }
    public int Steps { get; }
    public int[] Kept { get; }
    public double[] Rates { get; }
    public Tensor Values { get; }
    public Tensor Gradients { get; }
    public Optimizer Optimizer { get; }
    public IReadOnlyList<NamedParameter> Named => _named;

    /// <summary>One step, counted from 1.</summary>
    public void Step(int step)
    {
        foreach (NamedParameter parameter in _named) parameter.In(Gradients).copy_(_inputs["gradients." + parameter.Name].select(0, step - 1));
        Optimizer.Step(Rates[step - 1]);
    }

    public void Dispose()
    {
        Optimizer.Dispose();
        Values.Dispose();
        Gradients.Dispose();
    }

    /// <summary>A trajectory is named by its optimizer, then by what is special about it.</summary>
    private static OptimizerConfig Parse(string name, JsonObject fields)
    {
        string plain = name.StartsWith("paged-", StringComparison.Ordinal) ? name["paged-".Length..] : name;
        string kind = Kinds.Keys.Where(kind => plain == kind || plain.StartsWith(kind + "-", StringComparison.Ordinal)).MaxBy(kind => kind.Length)
            ?? throw new NotSupportedException($"optimizer {name} is not supported");
        JsonObject recipe = fields.DeepClone().AsObject();
        recipe["name"] = (plain == name ? "" : "paged_") + Kinds[kind];
        return OptimizerRecipe.Parse(recipe) with { BinnedCodes = plain.EndsWith("-cpu", StringComparison.Ordinal) };
    }
}
