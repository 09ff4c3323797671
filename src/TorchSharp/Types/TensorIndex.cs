namespace TorchSharp;

public static partial class torch
{
    /// <summary>One item of an index expression: an integer, a slice, a tensor of indices or of truth, "...", ":" or a new dimension.</summary>
    public struct TensorIndex
    {
        /// <summary>A new dimension of size 1.</summary>
        public static readonly TensorIndex None = new(IndexKind.None);
        public static readonly TensorIndex Null = new(IndexKind.None);

        /// <summary>As many whole dimensions as are needed.</summary>
        public static readonly TensorIndex Ellipsis = new(IndexKind.Ellipsis);

        /// <summary>A whole dimension.</summary>
        public static readonly TensorIndex Colon = new(IndexKind.Slice);

        internal readonly IndexKind Kind;
        internal readonly long? Start;
        internal readonly long? Stop;
        internal readonly long? Step;
        internal readonly Tensor? Indices;

        private TensorIndex(IndexKind kind, long? start = null, long? stop = null, long? step = null, Tensor? indices = null)
        {
            Kind = kind;
            Start = start;
            Stop = stop;
            Step = step;
            Indices = indices;
        }

        public static TensorIndex Single(long? index) => new(IndexKind.Single, index ?? 0);

        public static TensorIndex Slice(long? start = null, long? stop = null, long? step = null) =>
            new(IndexKind.Slice, start, stop, step);

        public static TensorIndex Slice((int?, int?) range) => Slice(range.Item1, range.Item2);

        public static TensorIndex Slice(Range range)
        {
            var start = range.Start.IsFromEnd ? -range.Start.Value : range.Start.Value;
            // "^0", the end itself, is "no stop": minus zero would be the start.
            long? stop = range.End.IsFromEnd ? range.End.Value == 0 ? null : -range.End.Value : range.End.Value;
            return Slice(start, stop);
        }

        public static TensorIndex Tensor(Tensor tensor) => new(IndexKind.Tensor, indices: tensor);

        public static implicit operator TensorIndex(long value) => Single(value);
        public static implicit operator TensorIndex((int?, int?) range) => Slice(range);
        public static implicit operator TensorIndex(Range range) => Slice(range);
        public static implicit operator TensorIndex(Index index) => Single(index.IsFromEnd ? -index.Value : index.Value);

        internal enum IndexKind { None, Ellipsis, Single, Slice, Tensor }
    }
}
