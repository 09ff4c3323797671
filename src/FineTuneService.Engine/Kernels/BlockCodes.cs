using System.Runtime.CompilerServices;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels.Lanes;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels;

/// <summary>Numbers in 8 bits: a code each, and for every block of 256 its absolute maximum (https://arxiv.org/abs/2110.02861).</summary>
/// <param name="Codes">Bytes, [length].</param>
/// <param name="Absmax">fp32, [blocks].</param>
/// <param name="Book">What the bytes stand for, before they are multiplied by the block's maximum.</param>
internal sealed record BlockCodes(Tensor Codes, Tensor Absmax, CodeBook Book)
{
    public const int BlockSize = 256;

    public static int Blocks(long length) => (int)((length + BlockSize - 1) / BlockSize);

    /// <summary>The memory, for a kernel; lives as long as both tensors.</summary>
    public BlockMemory Memory() => new(this);
}

/// <summary>The codes' memory, read and written a block at a time.</summary>
internal readonly unsafe struct BlockMemory
{
    private readonly RowMemory _codes, _absmax;
    private readonly CodeBook _book;

    public BlockMemory(BlockCodes codes)
    {
        using Tensor flat = codes.Codes.view(1, -1), absmax = codes.Absmax.view(1, -1);
        (_codes, _absmax, _book) = (new(flat), new(absmax), codes.Book);
    }

    /// <param name="into">At least <paramref name="count"/> numbers.</param>
    /// <param name="count">Numbers of the block; the last may have fewer than 256.</param>
    public void Read(int block, float* into, int count)
    {
        byte* codes = _codes.Row<byte>(0) + (long)block * BlockCodes.BlockSize;
        float absmax = _absmax.Row<float>(0)[block];
        fixed (float* values = _book.Codes)
        {
            for (int i = 0; i < count; i++) into[i] = values[codes[i]] * absmax;
        }
    }

    /// <summary>Rounds the block to its new maximum and codes.</summary>
    public void Write<TLanes>(int block, float* from, int count)
        where TLanes : struct, ILanes<TLanes>
    {
        byte* codes = _codes.Row<byte>(0) + (long)block * BlockCodes.BlockSize;
        float absmax = Largest<TLanes>(from, count), inverse = absmax == 0 ? 0 : 1 / absmax;
        _absmax.Row<float>(0)[block] = absmax;
        for (int i = 0; i < count; i++) codes[i] = _book.Code(Math.Clamp(from[i] * inverse, -1, 1));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Largest<TLanes>(float* from, int count)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes largest = TLanes.Of(0);
        for (int i = 0; i < count; i += TLanes.Count)
        {
            TLanes values = Lane.Load<TLanes, float>(from + i, count - i);
            largest = TLanes.Max(largest, TLanes.Max(values, TLanes.Of(0) - values));
        }
        return TLanes.Largest(largest);
    }
}
