using FineTuneService.Engine.Kernels;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Training.Optimizers;

/// <summary>Lion, https://arxiv.org/abs/2302.06675, as bitsandbytes' Lion32bit: steps of the rate's size by the sign of a mean.</summary>
internal sealed class Lion : Optimizer
{
    private readonly OptimizerConfig _config;
    private readonly FlatState _mean;

    public Lion(OptimizerConfig config, ParameterSet parameters) : base(parameters, config.Paged) =>
        (_config, _mean) = (config, new FlatState("exp_avg", parameters, StateDevice));

    public override IEnumerable<(string Name, Tensor Value)> State => _mean.Named;

    public override void Dispose() => _mean.Dispose();

    protected override void Update(ParameterGroup group, double rate)
    {
        using StatePage mean = _mean.In(group);
        LionKernel.Step(group.Values, group.Gradients, mean.Tensor, LionRates.Of(rate, _config.Beta1, _config.Beta2, group.WeightDecay));
    }
}
