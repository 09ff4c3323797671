using FineTuneService.Engine.Kernels;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Training.Optimizers;

/// <summary>Lion with its mean in 8 bits, as bitsandbytes' Lion8bit: one byte a weight.</summary>
internal sealed class Lion8Bit : BlockOptimizer
{
    private readonly BlockState _mean;

    public Lion8Bit(OptimizerConfig config, ParameterSet parameters) : base(config, parameters) =>
        _mean = new BlockState("1", parameters, SignedCodes, StateDevice);

    public override IEnumerable<(string Name, Tensor Value)> State => _mean.Named;

    public override void Dispose() => _mean.Dispose();

    protected override void Update(ParameterGroup group, double rate)
    {
        LionRates rates = LionRates.Of(rate, Config.Beta1, Config.Beta2, group.WeightDecay);
        using BlockPage mean = _mean.In(group.Parameters[0]);
        if (mean.Codes is { } codes) Lion8BitKernel.Step(group.Values, group.Gradients, codes, rates);
        else
        {
            Tensor average = mean.Values;
            InFp32(group, (values, gradients) => LionKernel.Step(values, gradients, average, rates));
        }
    }
}
