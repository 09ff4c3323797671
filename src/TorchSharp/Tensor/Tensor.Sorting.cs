namespace TorchSharp;

public static partial class torch
{
    // Order, and which elements there are.
    public partial class Tensor
    {
        public (Tensor Values, Tensor Indices) sort(long dim = -1, bool descending = false, bool stable = false) =>
            Operator.CallTwo("sort.stable", this, stable, dim, descending);

        public Tensor argsort(long dim = -1, bool descending = false) => Operator.Call("argsort", this, dim, descending);

        public (Tensor values, Tensor indices) topk(int k, int dim = -1, bool largest = true, bool sorted = true) =>
            Operator.CallTwo("topk", this, (long)k, (long)dim, largest, sorted);

        public Tensor bucketize(Tensor boundaries, bool outInt32 = false, bool right = false) =>
            Operator.Call("bucketize.Tensor", this, boundaries, outInt32, right);

        public Tensor isin(Tensor test_elements, bool assumeUnique = false, bool invert = false) =>
            Operator.Call("isin.Tensor_Tensor", this, test_elements, assumeUnique, invert);
    }
}
