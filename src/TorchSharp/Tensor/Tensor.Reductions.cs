namespace TorchSharp;

public static partial class torch
{
    // Sums, extremes and counts over all elements or over dimensions, and running ones.
    public partial class Tensor
    {
        public Tensor sum(ScalarType? type = null) => Operator.Call("sum", this, type);
        public Tensor sum(long dim, bool keepdim = false, ScalarType? type = null) => sum([dim], keepdim, type);
        public Tensor sum(long dim0, long dim1, bool keepdim = false, ScalarType? type = null) => sum([dim0, dim1], keepdim, type);
        public Tensor sum(long dim0, long dim1, long dim2, bool keepdim = false, ScalarType? type = null) => sum([dim0, dim1, dim2], keepdim, type);
        public Tensor sum(long[] dim, bool keepdim = false, ScalarType? type = null) => Operator.Call("sum.dim_IntList", this, dim, keepdim, type);
        public Tensor sum(ReadOnlySpan<long> dim, bool keepdim = false, ScalarType? type = null) => sum(dim.ToArray(), keepdim, type);

        public Tensor mean() => Operator.Call("mean", this);
        public Tensor mean(long[] dimensions, bool keepdim = false, ScalarType? type = null) => Operator.Call("mean.dim", this, dimensions, keepdim, type);

        public Tensor prod(ScalarType? type = null) => Operator.Call("prod", this, type);
        public Tensor prod(long dim, bool keepdim = false, ScalarType? type = null) => Operator.Call("prod.dim_int", this, dim, keepdim, type);

        /// <summary>The variance, over n - 1 if unbiased, else over n.</summary>
        public Tensor var(bool unbiased = true) => Operator.Call("var", this, unbiased);
        public Tensor var(long dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => var([dim], unbiased, keepdim, type);
        public Tensor var(long[] dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) =>
            Converted(Operator.Call("var.dim", this, dimensions, unbiased, keepdim), type);
        public Tensor std(bool unbiased = true) => Operator.Call("std", this, unbiased);
        public Tensor std(long dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => std([dim], unbiased, keepdim, type);
        public Tensor std(long[] dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) =>
            Converted(Operator.Call("std.dim", this, dimensions, unbiased, keepdim), type);

        /// <summary>The p-norm.</summary>
        public Tensor norm(float p = 2f) => Operator.Call("norm.Scalar", this, (Scalar)p);
        public Tensor norm(int dim, bool keepdim = false, float p = 2f) => Operator.Call("norm.ScalarOpt_dim", this, (Scalar)p, (long[])[dim], keepdim);

        public Tensor max() => Operator.Call("max", this);
        public Tensor max(Tensor other) => Operator.Call("max.other", this, other);
        public (Tensor values, Tensor indexes) max(long dim, bool keepdim = false) => Operator.CallTwo("max.dim", this, dim, keepdim);
        public Tensor min() => Operator.Call("min", this);
        public Tensor min(Tensor other) => Operator.Call("min.other", this, other);
        public (Tensor values, Tensor indexes) min(long dim, bool keepdim = false) => Operator.CallTwo("min.dim", this, dim, keepdim);
        public Tensor amax(params long[] dims) => Operator.Call("amax", this, dims);
        public Tensor amax(long[] dims, bool keepdim = false, Tensor? @out = null) => Extreme("amax", "amax.out", dims, keepdim, @out);
        public Tensor amin(params long[] dims) => Operator.Call("amin", this, dims);
        public Tensor amin(long[] dims, bool keepdim = false, Tensor? @out = null) => Extreme("amin", "amin.out", dims, keepdim, @out);
        public Tensor argmax() => Operator.Call("argmax", this);
        public Tensor argmax(long dim, bool keepdim = false) => Operator.Call("argmax", this, dim, keepdim);
        public Tensor argmin() => Operator.Call("argmin", this);
        public Tensor argmin(long dim, bool keepdim = false) => Operator.Call("argmin", this, dim, keepdim);

        public Tensor any() => Operator.Call("any", this);
        public Tensor any(long dim, bool keepdim = false) => Operator.Call("any.dim", this, dim, keepdim);
        public Tensor all() => Operator.Call("all", this);
        public Tensor all(long dim, bool keepdim = false) => Operator.Call("all.dim", this, dim, keepdim);
        public Tensor count_nonzero(long[]? dims = null) => dims is null ? Operator.Call("count_nonzero", this) : Operator.Call("count_nonzero.dim_IntList", this, dims);

        public Tensor median() => Operator.Call("median", this);
        public Tensor quantile(Tensor q, long dim = -1, bool keepdim = false) => Operator.Call("quantile", this, q, dim, keepdim);
        public Tensor logsumexp(long dim, bool keepdim = false) => Operator.Call("logsumexp", this, (long[])[dim], keepdim);
        public Tensor cumsum(long dim, ScalarType? type = null) => Operator.Call("cumsum", this, dim, type);
        public Tensor cumprod(long dim, ScalarType? type = null) => Operator.Call("cumprod", this, dim, type);
        public Tensor softmax(long dim, ScalarType? dtype = null) => Operator.Call("softmax.int", this, dim, dtype);
        public Tensor log_softmax(long dim, ScalarType? dtype = null) => Operator.Call("log_softmax.int", this, dim, dtype);
        public Tensor bincount(Tensor? weights, long minlength = 0) => Operator.Call("bincount", this, weights, minlength);

        private Tensor Extreme(string plain, string into, long[] dims, bool keepdim, Tensor? @out)
        {
            if (@out is null)
                return Operator.Call(plain, this, dims, keepdim);
            Operator.Do(into, this, dims, keepdim, @out);
            return @out;
        }

        private static Tensor Converted(Tensor tensor, ScalarType? type)
        {
            if (type is null || type == tensor.dtype)
                return tensor;
            using (tensor)
                return tensor.to_type(type.Value);
        }
    }
}
