namespace TorchSharp.Tests;

public sealed class PointwiseTests
{
    private static readonly double[] Inputs = [-2.5, -1, -0.5, 0.5, 1, 2.5];

    public static TheoryData<string, Func<Tensor, Tensor>, Func<double, double>> Functions => new()
    {
        { "abs", x => x.abs(), Math.Abs },
        { "neg", x => x.neg(), v => -v },
        { "exp", x => x.exp(), Math.Exp },
        { "exp2", x => x.exp2(), v => Math.Pow(2, v) },
        { "expm1", x => x.expm1(), v => Math.Exp(v) - 1 },
        { "log", x => x.log(), Math.Log },
        { "log1p", x => x.log1p(), v => Math.Log(1 + v) },
        { "log2", x => x.log2(), Math.Log2 },
        { "log10", x => x.log10(), Math.Log10 },
        { "sqrt", x => x.sqrt(), Math.Sqrt },
        { "rsqrt", x => x.rsqrt(), v => 1 / Math.Sqrt(v) },
        { "square", x => x.square(), v => v * v },
        { "reciprocal", x => x.reciprocal(), v => 1 / v },
        { "sin", x => x.sin(), Math.Sin },
        { "cos", x => x.cos(), Math.Cos },
        { "tan", x => x.tan(), Math.Tan },
        { "sinh", x => x.sinh(), Math.Sinh },
        { "cosh", x => x.cosh(), Math.Cosh },
        { "tanh", x => x.tanh(), Math.Tanh },
        { "atan", x => x.atan(), Math.Atan },
        { "sigmoid", x => x.sigmoid(), v => 1 / (1 + Math.Exp(-v)) },
        { "silu", x => x.silu(), v => v / (1 + Math.Exp(-v)) },
        { "relu", x => x.relu(), v => Math.Max(v, 0) },
        { "softplus", x => x.softplus(), v => Math.Log(1 + Math.Exp(v)) },
        { "log_sigmoid", x => x.log_sigmoid(), v => -Math.Log(1 + Math.Exp(-v)) },
        { "leaky_relu", x => x.leaky_relu(0.1), v => v > 0 ? v : 0.1 * v },
        { "floor", x => x.floor(), Math.Floor },
        { "ceil", x => x.ceil(), Math.Ceiling },
        { "trunc", x => x.trunc(), Math.Truncate },
        { "frac", x => x.frac(), v => v - Math.Truncate(v) },
        { "round", x => x.round(), v => Math.Round(v, MidpointRounding.ToEven) },
        { "sign", x => x.sign(), v => Math.Sign(v) },
        { "signbit", x => x.signbit(), v => v < 0 ? 1 : 0 },
        { "logical_not", x => x.logical_not(), v => v == 0 ? 1 : 0 },
        { "clamp", x => x.clamp(-1, 2), v => Math.Clamp(v, -1, 2) },
        { "clamp_min", x => x.clamp_min(0), v => Math.Max(v, 0) },
        { "clamp_max", x => x.clamp_max(0), v => Math.Min(v, 0) },
        { "pow", x => x.pow(3), v => v * v * v },
        { "functions", x => torch.sin(x).add_(torch.cos(x)).mul_(torch.tanh(x)), v => (Math.Sin(v) + Math.Cos(v)) * Math.Tanh(v) },
    };

    [Theory]
    [MemberData(nameof(Functions), DisableDiscoveryEnumeration = true)]
    public void Function_OfAVector_GivesMathsValues(string name, Func<Tensor, Tensor> function, Func<double, double> expected)
    {
        using var scope = NewDisposeScope();
        Assert.NotEmpty(name);
        Expect.Holds(function(tensor(Inputs)), [.. Inputs.Select(expected)]);
    }

    public static TheoryData<string, Func<Tensor, Tensor>, Func<Tensor, Tensor>> InPlace => new()
    {
        { "abs_", x => x.abs_(), x => x.abs() },
        { "neg_", x => x.neg_(), x => x.neg() },
        { "exp_", x => x.exp_(), x => x.exp() },
        { "log_", x => x.log_(), x => x.log() },
        { "sqrt_", x => x.sqrt_(), x => x.sqrt() },
        { "rsqrt_", x => x.rsqrt_(), x => x.rsqrt() },
        { "sigmoid_", x => x.sigmoid_(), x => x.sigmoid() },
        { "silu_", x => x.silu_(), x => x.silu() },
        { "relu_", x => x.relu_(), x => x.relu() },
        { "tanh_", x => x.tanh_(), x => x.tanh() },
        { "round_", x => x.round_(), x => x.round() },
        { "floor_", x => x.floor_(), x => x.floor() },
        { "clamp_", x => x.clamp_(-1, 1), x => x.clamp(-1, 1) },
        { "triu_", x => x.triu_(), x => x.triu() },
        { "tril_", x => x.tril_(-1), x => x.tril(-1) },
        { "add_", x => x.add_(x, 2), x => x.add(x, 2) },
        { "sub_", x => x.sub_(1), x => x.sub(1) },
        { "mul_", x => x.mul_(x), x => x.mul(x) },
        { "div_", x => x.div_(3), x => x.div(3) },
        { "pow_", x => x.pow_(2), x => x.pow(2) },
        { "addcmul_", x => x.addcmul_(x, x, 0.5), x => x.addcmul(x, x, 0.5) },
        { "addcdiv_", x => x.addcdiv_(x, x, 0.5), x => x.addcdiv(x, x, 0.5) },
        { "masked_fill_", x => x.masked_fill_(x > 1, 9), x => x.masked_fill(x > 1, 9) },
    };

    [Theory]
    [MemberData(nameof(InPlace), DisableDiscoveryEnumeration = true)]
    public void InPlace_OfAMatrix_ChangesItAsTheFunctionWould(string name, Func<Tensor, Tensor> inPlace, Func<Tensor, Tensor> function)
    {
        using var scope = NewDisposeScope();
        var x = arange(1, 10, dtype: float64).view(3, 3);
        var expected = function(x);
        var returned = inPlace(x);
        Assert.Same(x, returned);
        Assert.True(x.allclose(expected, equal_nan: true), name);
    }

    [Fact]
    public void Round_WithDecimals_KeepsThem() => Expect.Holds(tensor(new[] { 1.2345, -7.891 }).round(2), 1.23, -7.89);

    [Fact]
    public void IsNan_AndIsInf_TellThemApart()
    {
        var x = tensor(new[] { 1f, float.NaN, float.PositiveInfinity, float.NegativeInfinity });
        Expect.Holds(x.isnan(), 0, 1, 0, 0);
        Expect.Holds(x.isinf(), 0, 0, 1, 1);
        Expect.Holds(x.isfinite(), 1, 0, 0, 0);
        Expect.Holds(x.nan_to_num(0, 5, -5), 1, 0, 5, -5);
    }

    [Fact]
    public void Where_PicksByCondition() =>
        Expect.Holds(where(tensor(new[] { true, false }), tensor(new[] { 1f, 2f }), tensor(new[] { 3f, 4f })), 1, 4);

    [Fact]
    public void Triangles_KeepTheirSideOfTheDiagonal()
    {
        Expect.Holds(ones(2, 2).triu(), 1, 1, 0, 1);
        Expect.Holds(ones(2, 2).tril(-1), 0, 0, 1, 0);
    }
}
