using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using FineTuneService.Engine.Formats.Gguf.Blocks;

namespace FineTuneService.Engine.Kernels.Ggml;

/// <summary>Grids of the IQ types as bytes, a vector one word, and their signs: each index that a block can hold is one of the table's.</summary>
internal static unsafe class GridTable
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    private static readonly byte* s_even = Bytes([.. Enumerable.Range(0, 128).Select(seven => (byte)Grid.EvenSigns((uint)seven))]);

    /// <summary>The vectors, each number times a factor, as bytes.</summary>
    public static byte* Of(Grid grid, int factor = 1) => Bytes([.. Enumerable.Range(0, grid.Count).SelectMany(index => grid[index].ToArray()).Select(value => (byte)(sbyte)(factor * value))]);

    /// <summary>32 signs, of which each seven bits of the word tell eight.</summary>
    [MethodImpl(Inline)]
    public static uint EvenSigns(uint word) => (uint)(s_even[word & 127] | s_even[word >> 7 & 127] << 8 | s_even[word >> 14 & 127] << 16 | s_even[word >> 21 & 127] << 24);

    /// <summary>The same of seven bits.</summary>
    [MethodImpl(Inline)]
    public static uint EvenSigns7(uint seven) => s_even[seven & 127];

    /// <summary>Codes whose sign's bit is set are negative.</summary>
    [MethodImpl(Inline)]
    public static Vector256<sbyte> Signed(Vector256<byte> codes, uint signs)
    {
        Vector256<byte> negative = Packed.Where(signs, 255);
        return ((codes ^ negative) - negative).AsSByte();
    }

    private static byte* Bytes(byte[] values)
    {
        var table = (byte*)NativeMemory.AlignedAlloc((nuint)values.Length, 64);
        values.CopyTo(new Span<byte>(table, values.Length));
        return table;
    }
}
