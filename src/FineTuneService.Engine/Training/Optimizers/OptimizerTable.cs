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
    internal static Optimizer Make(OptimizerConfig config, ParameterSet parameters)
    {
        Require(config);
        return All[config.Name](config, parameters);
    }

    /// <exception cref="ArgumentException">There is none of that name, or its hyperparameters cannot be used together.</exception>
    internal static void Require(OptimizerConfig config)
    {
        if (!All.ContainsKey(config.Name)) throw new ArgumentException($"there is no optimizer '{config.Name}'; use one of {string.Join(", ", Names)}");
        if (config is { Nesterov: true, Momentum: <= 0 }) throw new ArgumentException("nesterov looks ahead along the momentum, which is 0; set momentum");
        if (config.Adafactor is { WarmupInit: true, RelativeStep: false }) throw new ArgumentException("Adafactor's warmup_init needs relative_step");
    }
}
