using TorchSharp;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Compute;

/// <summary>
/// Lends tensors that a step writes its activations, gradients and temporaries into, and takes them back, so that after
/// the first steps a step allocates nothing: fresh pages alone cost 75–150 ms a step of a 135M model.
/// </summary>
/// <remarks>
/// A block of memory serves any shape of its dtype that fills at least half of it; where a free one is too small, yet more than
/// half as large as is asked for, a larger one takes its place, so that lengths which grow bit by bit do not leave a block each.
/// A block keeps the view it was last lent as, so equal steps make no tensor objects either. Contents of a lent tensor are
/// whatever the last borrower left.
/// </remarks>
/// <param name="memory">What the blocks are taken of; null: no limit.</param>
internal sealed class BufferPool(Device device, MemoryShare? memory = null) : IDisposable
{
    private readonly Dictionary<ScalarType, List<Block>> _free = [];
    private readonly Dictionary<Tensor, Block> _lent = new(ReferenceEqualityComparer.Instance);

    public Device Device { get; } = device;

    /// <summary>Bytes held, lent or free. Device memory of a run is this plus weights and optimizer state.</summary>
    public long Bytes { get; private set; }

    /// <summary>Blocks held, lent or free: constant once a run is warm.</summary>
    public int Blocks { get; private set; }

    /// <summary>A contiguous tensor of this shape, its values undefined, until it is returned. The borrower never disposes it.</summary>
    /// <exception cref="MemoryExceededException">The budget has no room for it, with every free block given back.</exception>
    public Tensor Lend(ScalarType dtype, params ReadOnlySpan<long> shape)
    {
        long count = 1;
        foreach (long size in shape) count *= size;
        Block block = Take(dtype, Math.Max(count, 1)) ?? Allocate(dtype, Math.Max(count, 1));
        Tensor view = block.As(shape, count);
        _lent.Add(view, block);
        return view;
    }

    /// <summary>The same filled with zeros. (A tensor that libtorch's in-place operations return is another object, which the pool does not know.)</summary>
    public Tensor LendZeros(ScalarType dtype, params ReadOnlySpan<long> shape)
    {
        Tensor lent = Lend(dtype, shape);
        using Tensor zeroed = lent.zero_();
        return lent;
    }

    /// <summary>A tensor's shape; of a lent one without asking libtorch, which takes most of a microsecond.</summary>
    public long[] ShapeOf(Tensor tensor) => _lent.TryGetValue(tensor, out Block? block) ? block.Shape : tensor.shape;

    /// <summary>Takes a tensor back. One that the pool did not lend (a stored weight, say) is left alone.</summary>
    public void Return(Tensor? tensor)
    {
        if (tensor is not null && _lent.Remove(tensor, out Block? block)) Release(block);
    }

    /// <summary>The end of a step: everything that is still lent comes back.</summary>
    public void ReturnAll()
    {
        foreach (Block block in _lent.Values) Release(block);
        _lent.Clear();
    }

    /// <summary>Gives the memory of every block that is not lent back: the next steps have other shapes.</summary>
    public void Trim()
    {
        foreach (Block block in _free.Values.SelectMany(blocks => blocks)) Drop(block);
        _free.Clear();
    }

    public void Dispose()
    {
        ReturnAll();
        Trim();
    }

    /// <summary>The smallest free block that is large enough, unless more than half of it would be wasted.</summary>
    private Block? Take(ScalarType dtype, long count)
    {
        List<Block> free = Free(dtype);
        int at = FirstNotBelow(free, count);
        if (at < free.Count && free[at].Capacity <= 2 * count) return Remove(free, at);
        if (at > 0 && free[at - 1].Capacity > count / 2) Drop(Remove(free, at - 1));
        return null;
    }

    private static Block Remove(List<Block> blocks, int at)
    {
        Block block = blocks[at];
        blocks.RemoveAt(at);
        return block;
    }

    /// <summary>Gives an outgrown block's memory back.</summary>
    private void Drop(Block block)
    {
        long bytes = block.Capacity * block.Storage.element_size();
        Bytes -= bytes;
        Blocks--;
        block.Dispose();
        memory?.Give(bytes);
    }

    private Block Allocate(ScalarType dtype, long count)
    {
        long bytes = count * dtype.ElementSize();
        if (memory?.TryTake(bytes) == false)
        {
            Trim();
            if (!memory.TryTake(bytes)) throw new MemoryExceededException(bytes);
        }
        Tensor storage = empty([count], dtype: dtype, device: Device).DetachFromDisposeScope();
        Bytes += bytes;
        Blocks++;
        return new Block(storage, count);
    }

    private void Release(Block block)
    {
        List<Block> free = Free(block.Storage.dtype);
        free.Insert(FirstNotBelow(free, block.Capacity), block);
    }

    private List<Block> Free(ScalarType dtype) =>
        _free.TryGetValue(dtype, out List<Block>? blocks) ? blocks : _free[dtype] = [];

    /// <summary>Blocks are sorted by capacity; among equals the one returned last comes first, as it is warm in the cache.</summary>
    private static int FirstNotBelow(List<Block> blocks, long count)
    {
        int low = 0, high = blocks.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (blocks[middle].Capacity < count) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    private sealed class Block(Tensor storage, long capacity) : IDisposable
    {
        private Tensor? _view;

        /// <summary>Of the view that it was last lent as; never changed.</summary>
        public long[] Shape { get; private set; } = [];

        public Tensor Storage { get; } = storage;

        public long Capacity { get; } = capacity;

        public Tensor As(ReadOnlySpan<long> shape, long count)
        {
            if (_view is not null && shape.SequenceEqual(Shape)) return _view;
            _view?.Dispose();
            Shape = shape.ToArray();
            using Tensor part = Storage.narrow(0, 0, count);
            return _view = part.view(Shape).DetachFromDisposeScope();
        }

        public void Dispose()
        {
            _view?.Dispose();
            Storage.Dispose();
        }
    }
}
