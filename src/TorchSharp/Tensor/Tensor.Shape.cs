namespace TorchSharp;

public static partial class torch
{
    // Other shapes over the same elements: views of the same memory wherever the strides allow it.
    public partial class Tensor
    {
        /// <summary>The same memory in another shape; -1 stands for what is left.</summary>
        public Tensor view(params long[] shape) => Operator.Call("view", this, shape);
        public Tensor view_as(Tensor other) => Operator.Call("view_as", this, other);

        /// <summary>A view if the strides allow it, else a copy.</summary>
        public Tensor reshape(params long[] shape) => Operator.Call("reshape", this, shape);
        public Tensor flatten(long start_dim = 0, long end_dim = -1) => Operator.Call("flatten.using_ints", this, start_dim, end_dim);
        public Tensor unflatten(long dim, params long[] sizes) => Operator.Call("unflatten.int", this, dim, sizes);
        public Tensor ravel() => Operator.Call("ravel", this);

        public Tensor t() => Operator.Call("t", this);
        public Tensor T => Operator.Call("numpy_T", this);
        public Tensor mT => Operator.Call("mT", this);
        public Tensor transpose(long dim0, long dim1) => Operator.Call("transpose.int", this, dim0, dim1);
        public Tensor transpose_(long dim0, long dim1) => Done("transpose_", this, dim0, dim1);
        public Tensor swapaxes(long dim0, long dim1) => transpose(dim0, dim1);
        public Tensor swapdims(long dim0, long dim1) => transpose(dim0, dim1);
        public Tensor permute(params long[] permutation) => Operator.Call("permute", this, permutation);
        public Tensor permute(IEnumerable<long> permutation) => permute(permutation.ToArray());
        public Tensor movedim(long[] source, long[] destination) => Operator.Call("movedim.intlist", this, source, destination);

        public Tensor unsqueeze(long dim) => Operator.Call("unsqueeze", this, dim);
        public Tensor unsqueeze_(long dim) => Done("unsqueeze_", this, dim);

        /// <summary>Without a dimension of size 1, or without all of them.</summary>
        public Tensor squeeze(long? dim = null) => dim is null ? Operator.Call("squeeze", this) : Operator.Call("squeeze.dim", this, dim);
        public Tensor squeeze_(long? dim = null) => dim is null ? InPlace("squeeze_") : Done("squeeze_.dim", this, dim);

        /// <summary>Repeats dimensions of size 1 without copying; -1 keeps a dimension.</summary>
        public Tensor expand(params long[] sizes) => expand(sizes, isImplicit: false);
        public Tensor expand(long[] sizes, bool isImplicit = false) => Operator.Call("expand", this, sizes, isImplicit);
        public Tensor expand(ReadOnlySpan<long> sizes, bool isImplicit = false) => expand(sizes.ToArray(), isImplicit);
        public Tensor expand(Size sizes, bool isImplicit = false) => expand(sizes.Shape, isImplicit);
        public Tensor expand_as(Tensor other) => Operator.Call("expand_as", this, other);
        public Tensor broadcast_to(params long[] shape) => Operator.Call("broadcast_to", this, shape);

        public Tensor as_strided(long[] size, long[] strides, long storageOffset = 0) => Operator.Call("as_strided", this, size, strides, storageOffset);
        public Tensor unfold(long dimension, long size, long step) => Operator.Call("unfold", this, dimension, size, step);

        public Tensor contiguous() => Operator.Call("contiguous", this);
        public Tensor clone() => Operator.Call("clone", this);

        public Tensor repeat(params long[] sizes) => Operator.Call("repeat", this, sizes);
        public Tensor tile(long[] reps) => Operator.Call("tile", this, reps);
        public Tensor repeat_interleave(long repeats, long? dim = null, long? output_size = null) =>
            output_size is null ? Operator.Call("repeat_interleave.self_int", this, repeats, dim) : Operator.Call("repeat_interleave.self_int", this, repeats, dim, output_size);
        public Tensor repeat_interleave(Tensor repeats, long? dim = null, long? output_size = null) =>
            Operator.Call("repeat_interleave.self_Tensor", this, repeats, dim, output_size);
        public Tensor flip(params long[] dims) => Operator.Call("flip", this, dims);
        public Tensor roll(long shifts, long? dims = null) => Operator.Call("roll", this, (long[])[shifts], dims is { } dim ? (long[])[dim] : []);
        public Tensor roll(long[] shifts, long[] dims) => Operator.Call("roll", this, shifts, dims);

        /// <summary>Views of that many equal parts; the last may be smaller.</summary>
        public Tensor[] chunk(long chunks, long dim = 0) => Operator.CallMany("chunk", this, chunks, dim);

        /// <summary>Views of that size; the last may be smaller.</summary>
        public Tensor[] split(long size, int dim = 0) => Operator.CallMany("split.Tensor", this, size, (long)dim);
        public Tensor[] split(params long[] sizes) => split(sizes, dim: 0);
        public Tensor[] split(long[] sizes, long dim = 0) => Operator.CallMany("split_with_sizes", this, sizes, dim);
        public Tensor[] split(ReadOnlySpan<long> sizes, long dim = 0) => split(sizes.ToArray(), dim);
        public Tensor[] unbind(long dimension = 0) => Operator.CallMany("unbind.int", this, dimension);
        public Tensor[] tensor_split(long size, long dim = 0) => Operator.CallMany("tensor_split.sections", this, size, dim);
        public Tensor[] tensor_split(long[] sizes, long dim = 0) => Operator.CallMany("tensor_split.indices", this, sizes, dim);
    }
}
