using FineTuneService.Engine.Kernels;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Training.Optimizers;

/// <summary>Gradient descent as torch.optim.SGD, with momentum and nesterov; weight decay is added to the gradient.</summary>
internal sealed class Sgd : Optimizer
{
    private readonly OptimizerConfig _config;
    private readonly FlatState? _velocity;

    public Sgd(OptimizerConfig config, ParameterSet parameters) : base(parameters, config.Paged)
    {
        _config = config;
        if (config.Momentum != 0) _velocity = new FlatState("momentum_buffer", parameters, StateDevice);
    }

    public override IEnumerable<(string Name, Tensor Value)> State => _velocity?.Named ?? [];

    public override void Dispose() => _velocity?.Dispose();

    protected override void Update(ParameterGroup group, double rate)
    {
        float momentum = (float)_config.Momentum;
        var rates = new SgdRates((float)rate, (float)group.WeightDecay, Steps == 1 ? 0 : momentum, _config.Nesterov ? momentum : null);
        if (_velocity is null)
        {
            SgdKernel.Step(group.Values, group.Gradients, null, rates);
            return;
        }
        using StatePage velocity = _velocity.In(group);
        SgdKernel.Step(group.Values, group.Gradients, velocity.Tensor, rates);
    }
}
