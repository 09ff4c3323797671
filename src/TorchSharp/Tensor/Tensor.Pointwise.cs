namespace TorchSharp;

public static partial class torch
{
    // One element in, one element out.
    public partial class Tensor
    {
        public Tensor abs() => Operator.Call("abs", this);
        public Tensor abs_() => InPlace("abs_");
        public Tensor absolute() => Operator.Call("absolute", this);
        public Tensor absolute_() => InPlace("absolute_");
        public Tensor neg() => Operator.Call("neg", this);
        public Tensor neg_() => InPlace("neg_");
        public Tensor negative() => Operator.Call("negative", this);
        public Tensor exp() => Operator.Call("exp", this);
        public Tensor exp_() => InPlace("exp_");
        public Tensor exp2() => Operator.Call("exp2", this);
        public Tensor exp2_() => InPlace("exp2_");
        public Tensor expm1() => Operator.Call("expm1", this);
        public Tensor expm1_() => InPlace("expm1_");
        public Tensor log() => Operator.Call("log", this);
        public Tensor log_() => InPlace("log_");
        public Tensor log1p() => Operator.Call("log1p", this);
        public Tensor log1p_() => InPlace("log1p_");
        public Tensor log2() => Operator.Call("log2", this);
        public Tensor log2_() => InPlace("log2_");
        public Tensor log10() => Operator.Call("log10", this);
        public Tensor log10_() => InPlace("log10_");
        public Tensor sqrt() => Operator.Call("sqrt", this);
        public Tensor sqrt_() => InPlace("sqrt_");
        public Tensor rsqrt() => Operator.Call("rsqrt", this);
        public Tensor rsqrt_() => InPlace("rsqrt_");
        public Tensor square() => Operator.Call("square", this);
        public Tensor reciprocal() => Operator.Call("reciprocal", this);
        public Tensor reciprocal_() => InPlace("reciprocal_");
        public Tensor sin() => Operator.Call("sin", this);
        public Tensor sin_() => InPlace("sin_");
        public Tensor cos() => Operator.Call("cos", this);
        public Tensor cos_() => InPlace("cos_");
        public Tensor tan() => Operator.Call("tan", this);
        public Tensor tan_() => InPlace("tan_");
        public Tensor asin() => Operator.Call("asin", this);
        public Tensor asin_() => InPlace("asin_");
        public Tensor acos() => Operator.Call("acos", this);
        public Tensor acos_() => InPlace("acos_");
        public Tensor atan() => Operator.Call("atan", this);
        public Tensor atan_() => InPlace("atan_");
        public Tensor sinh() => Operator.Call("sinh", this);
        public Tensor sinh_() => InPlace("sinh_");
        public Tensor cosh() => Operator.Call("cosh", this);
        public Tensor cosh_() => InPlace("cosh_");
        public Tensor tanh() => Operator.Call("tanh", this);
        public Tensor tanh_() => InPlace("tanh_");
        public Tensor asinh() => Operator.Call("asinh", this);
        public Tensor asinh_() => InPlace("asinh_");
        public Tensor acosh() => Operator.Call("acosh", this);
        public Tensor acosh_() => InPlace("acosh_");
        public Tensor atanh() => Operator.Call("atanh", this);
        public Tensor atanh_() => InPlace("atanh_");
        public Tensor sigmoid() => Operator.Call("sigmoid", this);
        public Tensor sigmoid_() => InPlace("sigmoid_");
        public Tensor erf() => Operator.Call("erf", this);
        public Tensor erf_() => InPlace("erf_");
        public Tensor erfc() => Operator.Call("erfc", this);
        public Tensor erfc_() => InPlace("erfc_");
        public Tensor erfinv() => Operator.Call("erfinv", this);
        public Tensor erfinv_() => InPlace("erfinv_");
        public Tensor floor() => Operator.Call("floor", this);
        public Tensor floor_() => InPlace("floor_");
        public Tensor ceil() => Operator.Call("ceil", this);
        public Tensor ceil_() => InPlace("ceil_");
        public Tensor trunc() => Operator.Call("trunc", this);
        public Tensor trunc_() => InPlace("trunc_");
        public Tensor fix() => Operator.Call("fix", this);
        public Tensor fix_() => InPlace("fix_");
        public Tensor frac() => Operator.Call("frac", this);
        public Tensor frac_() => InPlace("frac_");
        public Tensor sign() => Operator.Call("sign", this);
        public Tensor sign_() => InPlace("sign_");
        public Tensor sgn() => Operator.Call("sgn", this);
        public Tensor sgn_() => InPlace("sgn_");
        public Tensor relu() => Operator.Call("relu", this);
        public Tensor relu_() => InPlace("relu_");
        public Tensor relu6() => Operator.Call("relu6", this);
        public Tensor relu6_() => InPlace("relu6_");
        public Tensor silu() => Operator.Call("silu", this);
        public Tensor silu_() => InPlace("silu_");
        public Tensor selu() => Operator.Call("selu", this);
        public Tensor selu_() => InPlace("selu_");
        public Tensor isnan() => Operator.Call("isnan", this);
        public Tensor isinf() => Operator.Call("isinf", this);
        public Tensor isfinite() => Operator.Call("isfinite", this);
        public Tensor isposinf() => Operator.Call("isposinf", this);
        public Tensor isneginf() => Operator.Call("isneginf", this);
        public Tensor logical_not() => Operator.Call("logical_not", this);
        public Tensor logical_not_() => InPlace("logical_not_");
        public Tensor bitwise_not() => Operator.Call("bitwise_not", this);
        public Tensor bitwise_not_() => InPlace("bitwise_not_");
        public Tensor signbit() => Operator.Call("signbit", this);
        public Tensor positive() => Operator.Call("positive", this);
        public Tensor lgamma() => Operator.Call("lgamma", this);
        public Tensor lgamma_() => InPlace("lgamma_");
        public Tensor digamma() => Operator.Call("digamma", this);
        public Tensor digamma_() => InPlace("digamma_");
        public Tensor hardsigmoid() => Operator.Call("hardsigmoid", this);
        public Tensor hardsigmoid_() => InPlace("hardsigmoid_");
        public Tensor hardswish() => Operator.Call("hardswish", this);
        public Tensor hardswish_() => InPlace("hardswish_");
        public Tensor deg2rad() => Operator.Call("deg2rad", this);
        public Tensor deg2rad_() => InPlace("deg2rad_");
        public Tensor rad2deg() => Operator.Call("rad2deg", this);
        public Tensor rad2deg_() => InPlace("rad2deg_");

        /// <summary>Rounds to a number of decimals, halves to even.</summary>
        public Tensor round(long decimals = 0) => decimals == 0 ? Operator.Call("round", this) : Operator.Call("round.decimals", this, decimals);
        public Tensor round_(long decimals = 0) => decimals == 0 ? InPlace("round_") : Done("round_.decimals", this, decimals);

        public Tensor clamp(Scalar? min = null, Scalar? max = null) => Operator.Call("clamp", this, min, max);
        public Tensor clamp(Tensor? min = null, Tensor? max = null) => Operator.Call("clamp.Tensor", this, min, max);
        public Tensor clamp_(Scalar? min = null, Scalar? max = null) => Done("clamp_", this, min, max);
        public Tensor clamp_(Tensor? min = null, Tensor? max = null) => Done("clamp_.Tensor", this, min, max);
        public Tensor clamp_min(Scalar min) => Operator.Call("clamp_min", this, min);
        public Tensor clamp_min_(Scalar min) => Done("clamp_min_", this, min);
        public Tensor clamp_max(Scalar max) => Operator.Call("clamp_max", this, max);
        public Tensor clamp_max_(Scalar max) => Done("clamp_max_", this, max);
        public Tensor nan_to_num(double nan = 0, double? posinf = null, double? neginf = null) => Operator.Call("nan_to_num", this, nan, posinf, neginf);
        public Tensor nan_to_num_(double nan = 0, double? posinf = null, double? neginf = null) => Done("nan_to_num_", this, nan, posinf, neginf);

        public Tensor leaky_relu(Scalar negative_slope) => Operator.Call("leaky_relu", this, negative_slope);
        public Tensor softplus(double beta = 1, double threshold = 20) => Operator.Call("softplus", this, beta, threshold);
        public Tensor log_sigmoid() => Operator.Call("log_sigmoid", this);
        public Tensor gelu() => Operator.Call("gelu", this);

        /// <summary>The elements whose mask is false, and value in place of the others.</summary>
        public Tensor masked_fill(Tensor mask, Scalar value) => Operator.Call("masked_fill.Scalar", this, mask, value);
        public Tensor masked_fill_(Tensor mask, Scalar value) => Done("masked_fill_.Scalar", this, mask, value);

        /// <summary>This tensor's elements where condition is true, and y's elsewhere.</summary>
        public Tensor where(Tensor condition, Tensor y) => Operator.Call("where.self", condition, this, y);

        public Tensor triu(long diagonal = 0) => Operator.Call("triu", this, diagonal);
        public Tensor triu_(long diagonal = 0) => Done("triu_", this, diagonal);
        public Tensor tril(long diagonal = 0) => Operator.Call("tril", this, diagonal);
        public Tensor tril_(long diagonal = 0) => Done("tril_", this, diagonal);

        /// <summary>Calls an operator that changes this tensor and has no other argument.</summary>
        private Tensor InPlace(string name)
        {
            Operator.Do(name, this);
            return this;
        }

        /// <summary>Calls an operator that changes this tensor, its first argument.</summary>
        private Tensor Done(string name, params ReadOnlySpan<Argument> arguments)
        {
            Operator.Do(name, arguments);
            return this;
        }
    }
}
