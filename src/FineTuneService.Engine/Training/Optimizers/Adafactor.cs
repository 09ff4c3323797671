using static TorchSharp.torch;

namespace FineTuneService.Engine.Training.Optimizers;

/// <summary>
/// Adafactor, https://arxiv.org/abs/1804.04235, as transformers has it: an update by factored mean squares, scaled down where its root mean
/// square is above a threshold. The rate is the one given, or relative to the step and to the parameter's own size.
/// </summary>
internal sealed class Adafactor : Optimizer
{
    private const string Row = "exp_avg_sq_row", Column = "exp_avg_sq_col", Whole = "exp_avg_sq", Mean = "exp_avg";
    private readonly AdafactorConfig _config;
    private readonly FactoredState _state;

    public Adafactor(OptimizerConfig config, ParameterSet parameters) : base(parameters, config.Paged)
    {
        _config = config.Adafactor;
        _state = new FactoredState(parameters, Row, Column, Whole, _config.Beta1 is null ? null : Mean, StateDevice);
    }

    public override IEnumerable<(string Name, Tensor Value)> State => _state.Named;

    public override void Dispose() => _state.Dispose();

    protected override IEnumerable<ParameterGroup> Pieces(ParameterGroup group) => group.Each;

    protected override void Update(ParameterGroup group, double rate)
    {
        NamedParameter parameter = group.Parameters[0];
        Tensor values = group.Values.view(parameter.Shape).to_type(ScalarType.Float32);
        Tensor gradients = group.Gradients.view(parameter.Shape).to_type(ScalarType.Float32);
        if (_config.RelativeStep) rate = group.RateFactor * Math.Min(_config.WarmupInit ? 1e-6 * Steps : 1e-2, 1 / Math.Sqrt(Steps));
        if (_config.ScaleParameter) rate *= Math.Max(_config.Epsilon2, RootMeanSquare(values));
        double kept = 1 - Math.Pow(Steps, _config.Decay);
        Tensor squares = gradients.square().add_(_config.Epsilon1 ?? 1e-30), update;
        if (parameter.Shape.Length < 2)
        {
            using StatePage mean = _state.In(Whole, parameter);
            update = mean.Tensor.mul_(kept).add_(squares, alpha: 1 - kept).rsqrt().mul_(gradients);
        }
        else
        {
            using StatePage row = _state.In(Row, parameter), column = _state.In(Column, parameter);
            row.Tensor.mul_(kept).add_(squares.mean([-1L], keepdim: true), alpha: 1 - kept);
            column.Tensor.mul_(kept).add_(squares.mean([-2L], keepdim: true), alpha: 1 - kept);
            Tensor rows = row.Tensor.div(row.Tensor.mean([-2L], keepdim: true)).rsqrt_();
            update = rows.mul(column.Tensor.rsqrt()).mul_(gradients);
        }
        update.mul_(rate / Math.Max(1, RootMeanSquare(update) / _config.ClipThreshold));
        if (_config.Beta1 is { } beta1)
        {
            using StatePage mean = _state.In(Mean, parameter);
            update = mean.Tensor.mul_(beta1).add_(update, alpha: 1 - beta1);
        }
        values = values.add(values, alpha: -group.WeightDecay * rate).sub_(update);
        group.Values.copy_(values.view(-1));
    }

    private static double RootMeanSquare(Tensor values) => values.norm().item<float>() / Math.Sqrt(values.numel());
}
