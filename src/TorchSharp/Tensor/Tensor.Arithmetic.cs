namespace TorchSharp;

public static partial class torch
{
    // Two tensors, or a tensor and a number, in; they broadcast.
    public partial class Tensor
    {
        public Tensor add(Tensor target) => Operator.Call("add.Tensor", this, target);
        public Tensor add(Tensor target, Scalar alpha) => Operator.Call("add.Tensor", this, target, alpha);
        public Tensor add(Scalar scalar) => Operator.Call("add.Scalar", this, scalar);
        public Tensor add(Scalar scalar, Scalar alpha) => Operator.Call("add.Scalar", this, scalar, alpha);
        public Tensor add_(Tensor target) => Done("add_.Tensor", this, target);
        public Tensor add_(Tensor target, Scalar alpha) => Done("add_.Tensor", this, target, alpha);
        public Tensor add_(Scalar scalar) => Done("add_.Scalar", this, scalar);
        public Tensor add_(Scalar scalar, Scalar alpha) => Done("add_.Scalar", this, scalar, alpha);

        public Tensor sub(Tensor target) => Operator.Call("sub.Tensor", this, target);
        public Tensor sub(Scalar target) => Operator.Call("sub.Scalar", this, target);
        public Tensor sub_(Tensor target) => Done("sub_.Tensor", this, target);
        public Tensor sub_(Scalar target) => Done("sub_.Scalar", this, target);
        public Tensor subtract(Tensor target) => sub(target);
        public Tensor subtract(Scalar target) => sub(target);
        public Tensor subtract_(Tensor target) => sub_(target);
        public Tensor subtract_(Scalar target) => sub_(target);

        public Tensor mul(Tensor target) => Operator.Call("mul.Tensor", this, target);
        public Tensor mul(Scalar target) => Operator.Call("mul.Scalar", this, target);
        public Tensor mul_(Tensor target) => Done("mul_.Tensor", this, target);
        public Tensor mul_(Scalar target) => Done("mul_.Scalar", this, target);
        public Tensor multiply(Tensor target) => mul(target);
        public Tensor multiply(Scalar target) => mul(target);

        public Tensor div(Tensor target, RoundingMode rounding_mode = RoundingMode.None) => Operator.Call("div.Tensor_mode", this, target, Name(rounding_mode));
        public Tensor div(Scalar target, RoundingMode rounding_mode = RoundingMode.None) => Operator.Call("div.Scalar_mode", this, target, Name(rounding_mode));
        public Tensor div_(Tensor target, RoundingMode rounding_mode = RoundingMode.None) => Done("div_.Tensor_mode", this, target, Name(rounding_mode));
        public Tensor div_(Scalar target, RoundingMode rounding_mode = RoundingMode.None) => Done("div_.Scalar_mode", this, target, Name(rounding_mode));
        public Tensor divide(Tensor target, RoundingMode rounding_mode = RoundingMode.None) => div(target, rounding_mode);
        public Tensor divide(Scalar target, RoundingMode rounding_mode = RoundingMode.None) => div(target, rounding_mode);
        public Tensor floor_divide(Tensor other) => Operator.Call("floor_divide", this, other);
        public Tensor floor_divide(Scalar other) => Operator.Call("floor_divide.Scalar", this, other);
        public Tensor remainder(Tensor target) => Operator.Call("remainder.Tensor", this, target);
        public Tensor remainder(Scalar scalar) => Operator.Call("remainder.Scalar", this, scalar);
        public Tensor remainder_(Tensor target) => Done("remainder_.Tensor", this, target);
        public Tensor remainder_(Scalar scalar) => Done("remainder_.Scalar", this, scalar);
        public Tensor fmod(Tensor target) => Operator.Call("fmod.Tensor", this, target);
        public Tensor fmod(Scalar scalar) => Operator.Call("fmod.Scalar", this, scalar);

        public Tensor pow(Tensor exponent) => Operator.Call("pow.Tensor_Tensor", this, exponent);
        public Tensor pow(Scalar exponent) => Operator.Call("pow.Tensor_Scalar", this, exponent);
        public Tensor pow_(Tensor exponent) => Done("pow_.Tensor", this, exponent);
        public Tensor pow_(Scalar exponent) => Done("pow_.Scalar", this, exponent);

        /// <summary>this + value · tensor1 · tensor2.</summary>
        public Tensor addcmul(Tensor tensor1, Tensor tensor2, Scalar value) => Operator.Call("addcmul", this, tensor1, tensor2, value);
        public Tensor addcmul_(Tensor tensor1, Tensor tensor2, Scalar value) => Done("addcmul_", this, tensor1, tensor2, value);

        /// <summary>this + value · tensor1 / tensor2.</summary>
        public Tensor addcdiv(Tensor tensor1, Tensor tensor2, Scalar value) => Operator.Call("addcdiv", this, tensor1, tensor2, value);
        public Tensor addcdiv(Tensor tensor1, Tensor tensor2) => Operator.Call("addcdiv", this, tensor1, tensor2);
        public Tensor addcdiv_(Tensor tensor1, Tensor tensor2, Scalar value) => Done("addcdiv_", this, tensor1, tensor2, value);
        public Tensor addcdiv_(Tensor tensor1, Tensor tensor2) => Done("addcdiv_", this, tensor1, tensor2);

        /// <summary>this + weight · (end - this).</summary>
        public Tensor lerp(Tensor end, Tensor weight) => Operator.Call("lerp.Tensor", this, end, weight);
        public Tensor lerp_(Tensor end, Tensor weight) => Done("lerp_.Tensor", this, end, weight);

        public Tensor maximum(Tensor other) => Operator.Call("maximum", this, other);
        public Tensor minimum(Tensor other) => Operator.Call("minimum", this, other);
        public Tensor atan2(Tensor other) => Operator.Call("atan2", this, other);
        public Tensor hypot(Tensor other) => Operator.Call("hypot", this, other);
        public Tensor xlogy(Tensor y) => Operator.Call("xlogy.Tensor", this, y);
        public Tensor logaddexp(Tensor other) => Operator.Call("logaddexp", this, other);

        public Tensor bitwise_and(Tensor other) => Operator.Call("bitwise_and.Tensor", this, other);
        public Tensor bitwise_and_(Tensor other) => Done("bitwise_and_.Tensor", this, other);
        public Tensor bitwise_or(Tensor other) => Operator.Call("bitwise_or.Tensor", this, other);
        public Tensor bitwise_or_(Tensor other) => Done("bitwise_or_.Tensor", this, other);
        public Tensor bitwise_xor(Tensor other) => Operator.Call("bitwise_xor.Tensor", this, other);
        public Tensor bitwise_xor_(Tensor other) => Done("bitwise_xor_.Tensor", this, other);
        public Tensor bitwise_left_shift(Tensor other) => Operator.Call("bitwise_left_shift.Tensor", this, other);
        public Tensor bitwise_left_shift_(Tensor other) => Done("bitwise_left_shift_.Tensor", this, other);
        public Tensor bitwise_right_shift(Tensor other) => Operator.Call("bitwise_right_shift.Tensor", this, other);
        public Tensor bitwise_right_shift_(Tensor other) => Done("bitwise_right_shift_.Tensor", this, other);

        public Tensor logical_and(Tensor other) => Operator.Call("logical_and", this, other);
        public Tensor logical_and_(Tensor other) => Done("logical_and_", this, other);
        public Tensor logical_or(Tensor other) => Operator.Call("logical_or", this, other);
        public Tensor logical_or_(Tensor other) => Done("logical_or_", this, other);
        public Tensor logical_xor(Tensor other) => Operator.Call("logical_xor", this, other);
        public Tensor logical_xor_(Tensor other) => Done("logical_xor_", this, other);

        public Tensor zero_() => InPlace("zero_");
        public Tensor fill_(Scalar value) => Done("fill_.Scalar", this, value);

        /// <summary>Copies source's elements into this tensor, converted and broadcast as needed, across devices too.</summary>
        public Tensor copy_(Tensor source, bool nonBlocking = false) => Done("copy_", this, source, nonBlocking);

        /// <summary>libtorch's name of a rounding mode.</summary>
        private static string? Name(RoundingMode mode) => mode switch
        {
            RoundingMode.floor => "floor",
            RoundingMode.trunc => "trunc",
            _ => null,
        };
    }
}
