using FineTuneService.Engine.Kernels;

namespace FineTuneService.Engine.Training.Optimizers;

/// <summary>Adam, https://arxiv.org/abs/1412.6980, as torch.optim.Adam: weight decay is added to the gradient.</summary>
internal sealed class Adam(OptimizerConfig config, ParameterSet parameters) : AdamMoments(config, parameters)
{
    protected override AdamRates Rates(ParameterGroup group, double rate) =>
        AdamRates.Of(rate, Config.Beta1, Config.Beta2, Config.Epsilon, group.WeightDecay, Steps, decoupled: false);
}
