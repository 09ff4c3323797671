using System.Runtime.CompilerServices;

namespace TorchSharp;

public static partial class torch
{
    // Parts of a tensor by integer, slice or tensor. Integers and slices give views; tensors of indices give copies.
    public partial class Tensor
    {
        [IndexerName("TensorItems")]
        public Tensor this[long i1]
        {
            get => select(0, i1);
            set => Set(value, i1);
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1, long i2]
        {
            get => index(i1, i2);
            set => Set(value, i1, i2);
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1, long i2, long i3]
        {
            get => index(i1, i2, i3);
            set => Set(value, i1, i2, i3);
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1, long i2, long i3, long i4]
        {
            get => index(i1, i2, i3, i4);
            set => Set(value, i1, i2, i3, i4);
        }

        [IndexerName("TensorItems")]
        public Tensor this[params TensorIndex[] indices]
        {
            get => index(indices);
            set => Set(value, indices);
        }

        [IndexerName("TensorItems")]
        public Tensor this[params Tensor[] indices]
        {
            get => index(indices);
            set => index_put_(value, indices);
        }

        public Tensor index(params Tensor[] indices) => Operator.Call("index.Tensor", this, Argument.Optional(indices));

        /// <summary>Indexes as Python does: integers drop a dimension, slices keep it, tensors of indices gather.</summary>
        public Tensor index(params TensorIndex[] indices)
        {
            var (view, gathered) = View(indices);
            if (gathered is null)
                return view;
            using (view)
                return Operator.Call("index.Tensor", view, Argument.Optional(gathered));
        }

        public Tensor index_put_(Tensor value, params TensorIndex[] indices) => index_put_(value, indices, accumulate: false);

        public Tensor index_put_(Tensor value, params Tensor[] indices) => index_put_(value, indices, accumulate: false);

        public Tensor index_put_(Scalar value, params TensorIndex[] indices)
        {
            using var tensor = full([], value, dtype, device);
            return index_put_(tensor, indices, accumulate: false);
        }

        public Tensor index_put_(Tensor value, Tensor[] indices, bool accumulate = false) =>
            Done("index_put_", this, Argument.Optional(indices), value, accumulate);

        /// <summary>Writes value to the part that the indices name; adds it there, repeated indices included, if asked to accumulate.</summary>
        public Tensor index_put_(Tensor value, TensorIndex[] indices, bool accumulate = false)
        {
            var (view, gathered) = View(indices);
            using (view)
                _ = gathered is not null ? view.Done("index_put_", view, Argument.Optional(gathered), value, accumulate)
                    : accumulate ? view.add_(value)
                    : view.copy_(value);
            return this;
        }

        public Tensor select(long dim, long index) => Operator.Call("select.int", this, dim, index);

        public Tensor narrow(long dim, long start, long length) => Operator.Call("narrow", this, dim, start, length);

        public Tensor slice(long dim, long start, long finish, long step) => Operator.Call("slice.Tensor", this, dim, start, finish, step);

        public Tensor index_select(long dim, Tensor index) => Operator.Call("index_select", this, dim, index);

        public Tensor masked_select(Tensor mask) => Operator.Call("masked_select", this, mask);

        public Tensor take(Tensor index) => Operator.Call("take", this, index);

        public Tensor take_along_dim(Tensor indices, long dim) => Operator.Call("take_along_dim", this, indices, dim);

        /// <summary>The elements whose place along dim is given by index, a tensor of this rank.</summary>
        public Tensor gather(long dim, Tensor index) => Operator.Call("gather", this, dim, index);

        public Tensor scatter(long dim, Tensor index, Tensor src) => Operator.Call("scatter.src", this, dim, index, src);
        public Tensor scatter_(long dim, Tensor index, Tensor src) => Done("scatter_.src", this, dim, index, src);
        public Tensor scatter_add(long dim, Tensor index, Tensor src) => Operator.Call("scatter_add", this, dim, index, src);
        public Tensor scatter_add_(long dim, Tensor index, Tensor src) => Done("scatter_add_", this, dim, index, src);

        /// <summary>Adds alpha · source's slices to the slices of dim that index names; one named twice gets both.</summary>
        public Tensor index_add(long dim, Tensor index, Tensor source, Scalar alpha) => Operator.Call("index_add", this, dim, index, source, alpha);
        public Tensor index_add_(long dim, Tensor index, Tensor source, Scalar alpha) => Done("index_add_", this, dim, index, source, alpha);
        public Tensor index_copy(long dim, Tensor index, Tensor source) => Operator.Call("index_copy", this, dim, index, source);
        public Tensor index_copy_(long dim, Tensor index, Tensor source) => Done("index_copy_", this, dim, index, source);
        public Tensor index_fill(long dim, Tensor index, Scalar value) => Operator.Call("index_fill.int_Scalar", this, dim, index, value);
        public Tensor index_fill_(long dim, Tensor index, Scalar value) => Done("index_fill_.int_Scalar", this, dim, index, value);

        /// <summary>The places of the elements that are not zero, one a row.</summary>
        public Tensor nonzero() => Operator.Call("nonzero", this);
        public Tensor argwhere() => Operator.Call("argwhere", this);

        private void Set(Tensor value, params TensorIndex[] indices) => _ = index_put_(value, indices, accumulate: false);

        /// <summary>
        /// The view that integers, slices and new dimensions make, and the tensors of indices still to be applied to it,
        /// one a dimension, null where a dimension is whole. No list if there are no tensors.
        /// </summary>
        private (Tensor View, Tensor?[]? Gathered) View(TensorIndex[] indices)
        {
            var view = alias();
            List<Tensor?>? gathered = null;
            long dim = 0;
            foreach (var index in indices)
                switch (index.Kind)
                {
                    case TensorIndex.IndexKind.None:
                        Replace(ref view, view.unsqueeze(dim++));
                        break;
                    case TensorIndex.IndexKind.Ellipsis:
                        dim += ndim - indices.Sum(Consumed);
                        break;
                    case TensorIndex.IndexKind.Single:
                        Replace(ref view, view.select(dim, index.Start!.Value));
                        break;
                    case TensorIndex.IndexKind.Slice:
                        if (index.Start is not null || index.Stop is not null || index.Step is not null)
                            Replace(ref view, Operator.Call("slice.Tensor", view, dim, index.Start, index.Stop, index.Step ?? 1));
                        dim++;
                        break;
                    case TensorIndex.IndexKind.Tensor:
                        gathered ??= [];
                        while (gathered.Count < dim)
                            gathered.Add(null);
                        gathered.Add(index.Indices);
                        dim += Consumed(index);
                        break;
                }

            return (view, gathered?.ToArray());
        }

        /// <summary>How many dimensions of the indexed tensor an index stands for; a mask stands for all of its own.</summary>
        private static long Consumed(TensorIndex index) => index.Kind switch
        {
            TensorIndex.IndexKind.Single or TensorIndex.IndexKind.Slice => 1,
            TensorIndex.IndexKind.Tensor => index.Indices!.dtype is ScalarType.Bool or ScalarType.Byte ? index.Indices.ndim : 1,
            _ => 0,
        };

        private static void Replace(ref Tensor view, Tensor next)
        {
            view.Dispose();
            view = next;
        }
    }
}
