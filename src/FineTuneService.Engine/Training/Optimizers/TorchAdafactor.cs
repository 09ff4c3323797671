using static TorchSharp.torch;

namespace FineTuneService.Engine.Training.Optimizers;

/// <summary>
/// Adafactor, https://arxiv.org/abs/1804.04235, as torch.optim.Adafactor, which is another algorithm than transformers': the rate is at
/// most 1/√step and always times the parameter's root mean square, and the decay uses the rate that is given.
/// </summary>
internal sealed class TorchAdafactor : Optimizer
{
    private const string Row = "row_var", Column = "col_var", Whole = "variance";
    private const double FloatEpsilon = 1.1920928955078125e-07;
    private readonly AdafactorConfig _config;
    private readonly FactoredState _state;

    public TorchAdafactor(OptimizerConfig config, ParameterSet parameters) : base(parameters, config.Paged) =>
        (_config, _state) = (config.Adafactor, new FactoredState(parameters, Row, Column, Whole, null, StateDevice));

    public override IEnumerable<(string Name, Tensor Value)> State => _state.Named;

    public override void Dispose() => _state.Dispose();

    protected override IEnumerable<ParameterGroup> Pieces(ParameterGroup group) => group.Each;

    protected override void Update(ParameterGroup group, double rate)
    {
        NamedParameter parameter = group.Parameters[0];
        Tensor values = group.Values.view(parameter.Shape).to_type(ScalarType.Float32);
        Tensor gradients = group.Gradients.view(parameter.Shape).to_type(ScalarType.Float32);
        double epsilon = _config.Epsilon1 ?? FloatEpsilon, share = Math.Pow(Steps, _config.Decay);
        double scaled = Math.Min(rate, 1 / Math.Sqrt(Steps)) * Math.Max(_config.Epsilon2, RootMeanSquare(values));
        Tensor squares = gradients.square(), variance;
        if (parameter.Shape.Length < 2)
        {
            using StatePage mean = _state.In(Whole, parameter);
            variance = mean.Tensor.mul_(1 - share).add_(squares, alpha: share).clone();
        }
        else
        {
            using StatePage row = _state.In(Row, parameter), column = _state.In(Column, parameter);
            row.Tensor.mul_(1 - share).add_(squares.mean([-1L], keepdim: true), alpha: share);
            column.Tensor.mul_(1 - share).add_(squares.mean([-2L], keepdim: true), alpha: share);
            variance = row.Tensor.mul(column.Tensor).div_(row.Tensor.mean([-2L], keepdim: true).clamp_(min: epsilon));
        }
        Tensor update = variance.clamp_(min: epsilon * epsilon).rsqrt_().mul_(gradients);
        double size = Math.Max(1, RootMeanSquare(update) / _config.ClipThreshold);
        group.Values.copy_(values.mul(1 - rate * group.WeightDecay).add_(update, alpha: -scaled / size).view(-1));
    }

    private static double RootMeanSquare(Tensor values) => values.norm().item<float>() / Math.Sqrt(values.numel());
}
