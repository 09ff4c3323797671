using FineTuneService.Engine.Kernels;

namespace FineTuneService.Engine.Training.Optimizers;

/// <summary>AdamW, https://arxiv.org/abs/1711.05101, in torch's order: decay first, then the step.</summary>
internal sealed class AdamW(OptimizerConfig config, ParameterSet parameters) : AdamMoments(config, parameters)
{
    protected override AdamRates Rates(ParameterGroup group, double rate) =>
        AdamRates.Of(rate, Config.Beta1, Config.Beta2, Config.Epsilon, group.WeightDecay, Steps);
}
