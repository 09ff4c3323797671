namespace FineTuneService.Engine.Training.Optimizers;

/// <summary>The optimizers there are, by the names that jobs give.</summary>
public static class OptimizerTable
{
    private static readonly Dictionary<string, Func<OptimizerConfig, ParameterSet, Optimizer>> All = new()
    {
        ["adamw"] = (config, parameters) => new AdamW(config, parameters),
        ["adam"] = (config, parameters) => new Adam(config, parameters),
        ["sgd"] = (config, parameters) => new Sgd(config, parameters),
        ["adafactor"] = (config, parameters) => new Adafactor(config, parameters),
        ["adafactor_torch"] = (config, parameters) => new TorchAdafactor(config, parameters),
        ["lion"] = (config, parameters) => new Lion(config, parameters),
        ["adamw_8bit"] = (config, parameters) => new AdamW8Bit(config, parameters),
        ["lion_8bit"] = (config, parameters) => new Lion8Bit(config, parameters),
    };

    public static IReadOnlyCollection<string> Names => All.Keys;

    /// <exception cref="ArgumentException">There is none of that name.</exception>
    internal static Optimizer Make(OptimizerConfig config, ParameterSet parameters) => All.TryGetValue(config.Name, out var make)
        ? make(config, parameters) : throw new ArgumentException($"there is no optimizer '{config.Name}'; use one of {string.Join(", ", Names)}");
}
