using FineTuneService.Engine.Kernels;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Training.Optimizers;

/// <summary>What Adam and AdamW share: the two running means, and the update by them. State is in the weights' dtype.</summary>
internal abstract class AdamMoments : Optimizer
{
    private readonly FlatState _mean, _meanSquare;

    protected AdamMoments(OptimizerConfig config, ParameterSet parameters) : base(parameters, config.Paged) =>
        (Config, _mean, _meanSquare) = (config, new("exp_avg", parameters, StateDevice), new("exp_avg_sq", parameters, StateDevice));

    public override IEnumerable<(string Name, Tensor Value)> State => _mean.Named.Concat(_meanSquare.Named);

    public override void Dispose()
    {
        _mean.Dispose();
        _meanSquare.Dispose();
    }

    protected OptimizerConfig Config { get; }

    protected override void Update(ParameterGroup group, double rate)
    {
        using StatePage mean = _mean.In(group), meanSquare = _meanSquare.In(group);
        AdamKernel.Step(group.Values, group.Gradients, mean.Tensor, meanSquare.Tensor, Rates(group, rate));
    }

    protected abstract AdamRates Rates(ParameterGroup group, double rate);
}
