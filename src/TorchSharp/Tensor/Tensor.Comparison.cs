namespace TorchSharp;

public static partial class torch
{
    // Comparisons, which give bool tensors; == and != are among them, so identity is ReferenceEquals.
    public partial class Tensor
    {
        public Tensor eq(Tensor target) => Operator.Call("eq.Tensor", this, target);
        public Tensor eq(Scalar target) => Operator.Call("eq.Scalar", this, target);
        public Tensor eq_(Tensor target) => Done("eq_.Tensor", this, target);
        public Tensor eq_(Scalar target) => Done("eq_.Scalar", this, target);
        public Tensor ne(Tensor target) => Operator.Call("ne.Tensor", this, target);
        public Tensor ne(Scalar target) => Operator.Call("ne.Scalar", this, target);
        public Tensor ne_(Tensor target) => Done("ne_.Tensor", this, target);
        public Tensor ne_(Scalar target) => Done("ne_.Scalar", this, target);
        public Tensor lt(Tensor target) => Operator.Call("lt.Tensor", this, target);
        public Tensor lt(Scalar target) => Operator.Call("lt.Scalar", this, target);
        public Tensor lt_(Tensor target) => Done("lt_.Tensor", this, target);
        public Tensor lt_(Scalar target) => Done("lt_.Scalar", this, target);
        public Tensor le(Tensor target) => Operator.Call("le.Tensor", this, target);
        public Tensor le(Scalar target) => Operator.Call("le.Scalar", this, target);
        public Tensor le_(Tensor target) => Done("le_.Tensor", this, target);
        public Tensor le_(Scalar target) => Done("le_.Scalar", this, target);
        public Tensor gt(Tensor target) => Operator.Call("gt.Tensor", this, target);
        public Tensor gt(Scalar target) => Operator.Call("gt.Scalar", this, target);
        public Tensor gt_(Tensor target) => Done("gt_.Tensor", this, target);
        public Tensor gt_(Scalar target) => Done("gt_.Scalar", this, target);
        public Tensor ge(Tensor target) => Operator.Call("ge.Tensor", this, target);
        public Tensor ge(Scalar target) => Operator.Call("ge.Scalar", this, target);
        public Tensor ge_(Tensor target) => Done("ge_.Tensor", this, target);
        public Tensor ge_(Scalar target) => Done("ge_.Scalar", this, target);

        /// <summary>A truth value: same shape and same elements.</summary>
        public Tensor equal(Tensor target) => tensor(Equals(target));

        public Tensor isclose(Tensor other, double rtol = 1e-05, double atol = 1e-08, bool nanEqual = false) => Operator.Call("isclose", this, other, rtol, atol, nanEqual);

        /// <summary>Whether each element is within atol + rtol · |target| of target's.</summary>
        public bool allclose(Tensor target, double rtol = 1e-05, double atol = 1e-08, bool equal_nan = false) =>
            Operator.CallScalar("allclose", this, target, rtol, atol, equal_nan).ToBoolean();

        /// <summary>The same elements in the same shape.</summary>
        public bool Equals(Tensor? target) => target is not null && Operator.CallScalar("equal", this, target).ToBoolean();

        public override bool Equals(object? obj) => obj is Tensor other && Equals(other);

        /// <summary>By identity: a tensor's elements can change.</summary>
        public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);
    }
}
