using System.Collections;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>A shape.</summary>
    public readonly struct Size : IEnumerable<long>
    {
        public static readonly Size Empty = new(0);

        private readonly long[] shape;

        public Size(long[] shape) => this.shape = (long[])shape.Clone();

        public Size(IEnumerable<long> shape) => this.shape = [.. shape];

        public Size(long size) => shape = [size];

        public static implicit operator Size(long size) => new(size);
        public static implicit operator Size(long[] size) => new(size);

        public static bool operator ==(Size left, Size right) => left.Equals(right);
        public static bool operator !=(Size left, Size right) => !left.Equals(right);

        public long[] Shape => shape;

        public int Length => shape.Length;

        public bool IsScalar => shape.Length == 0;

        public long this[int idx] => shape[idx];

        public long this[long idx] => shape[idx];

        public long numel() => shape.Aggregate(1L, (product, size) => product * size);

        public IEnumerator<long> GetEnumerator() => ((IEnumerable<long>)shape).GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

        public override bool Equals(object? obj) => obj is Size other && shape.AsSpan().SequenceEqual(other.shape);

        public override int GetHashCode()
        {
            var hash = new HashCode();
            foreach (var size in shape)
                hash.Add(size);
            return hash.ToHashCode();
        }
    }
}
