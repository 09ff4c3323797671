namespace FineTuneService.Engine.Training.Optimizers;

/// <summary>The optimizers there are, by the names that jobs give.</summary>
public static class OptimizerTable
{
    /// <param name="UsualBeta2">What a job that names no betas gets.</param>
    private sealed record Row(Func<OptimizerConfig, ParameterSet, Optimizer> Make, double UsualBeta2 = 0.999);

    private static readonly Dictionary<string, Row> All = new()
    {
        ["adamw"] = new((config, parameters) => new AdamW(config, parameters)),
        ["adam"] = new((config, parameters) => new Adam(config, parameters)),
        ["sgd"] = new((config, parameters) => new Sgd(config, parameters)),
        ["adafactor"] = new((config, parameters) => new Adafactor(config, parameters)),
        ["adafactor_torch"] = new((config, parameters) => new TorchAdafactor(config, parameters)),
        ["lion"] = new((config, parameters) => new Lion(config, parameters), UsualBeta2: 0.99),
        ["adamw_8bit"] = new((config, parameters) => new AdamW8Bit(config, parameters)),
        ["lion_8bit"] = new((config, parameters) => new Lion8Bit(config, parameters), UsualBeta2: 0.99),
    };

    public static IReadOnlyCollection<string> Names => All.Keys;

    /// <summary>The second beta where none is given; of an unknown name too, which <see cref="Require"/> refuses.</summary>
    public static double UsualBeta2(string name) => All.GetValueOrDefault(name)?.UsualBeta2 ?? 0.999;

    /// <exception cref="ArgumentException">There is none of that name.</exception>
    internal static Optimizer Make(OptimizerConfig config, ParameterSet parameters)
    {
        Require(config);
        return All[config.Name].Make(config, parameters);
    }

    /// <exception cref="ArgumentException">There is none of that name, or its hyperparameters cannot be used together.</exception>
    internal static void Require(OptimizerConfig config)
    {
        if (!All.ContainsKey(config.Name)) throw new ArgumentException($"there is no optimizer '{config.Name}'; use one of {string.Join(", ", Names)}");
        if (config is { Nesterov: true, Momentum: <= 0 }) throw new ArgumentException("nesterov looks ahead along the momentum, which is 0; set momentum");
        if (config.Adafactor is { WarmupInit: true, RelativeStep: false }) throw new ArgumentException("Adafactor's warmup_init needs relative_step");
    }
}
