using FineTuneService.Engine.Kernels;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Training.Optimizers;

/// <summary>AdamW with both moments in 8 bits, https://arxiv.org/abs/2110.02861, as bitsandbytes' AdamW8bit: a quarter of the state.</summary>
internal sealed class AdamW8Bit : BlockOptimizer
{
    private readonly BlockState _mean, _meanSquare;

    public AdamW8Bit(OptimizerConfig config, ParameterSet parameters) : base(config, parameters)
    {
        _mean = new BlockState("1", parameters, SignedCodes, StateDevice);
        _meanSquare = new BlockState("2", parameters, UnsignedCodes, StateDevice);
    }

    public override IEnumerable<(string Name, Tensor Value)> State => _mean.Named.Concat(_meanSquare.Named);

    public override void Dispose()
    {
        _mean.Dispose();
        _meanSquare.Dispose();
    }

    protected override void Update(ParameterGroup group, double rate)
    {
        AdamRates rates = AdamRates.Of(rate, Config.Beta1, Config.Beta2, Config.Epsilon, group.WeightDecay, Steps);
        using BlockPage mean = _mean.In(group.Parameters[0]), meanSquare = _meanSquare.In(group.Parameters[0]);
        if (mean.Codes is { } codes) Adam8BitKernel.Step(group.Values, group.Gradients, codes, meanSquare.Codes!, rates);
        else
        {
            Tensor average = mean.Values, square = meanSquare.Values;
            InFp32(group, (values, gradients) => AdamKernel.Step(values, gradients, average, square, rates));
        }
    }
}
