using System.Numerics;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Formats;

/// <summary>
/// Finds NaN and infinity among a tensor's bytes in its file. A number is neither unless all bits of its exponent are set, so a mask
/// over whole registers tells, at the speed of reading the file.
/// </summary>
internal static class FiniteScan
{
    private const int PieceBytes = 1 << 20;

    /// <summary>The index of the first element that is not finite, or -1.</summary>
    /// <param name="file">Open for reading.</param>
    public static long FirstBad(SafeFileHandle file, FileTensor entry)
    {
        var piece = new byte[Math.Min(PieceBytes, entry.End - entry.Begin)];
        int size = FileTensor.SizeOf(entry.Dtype);
        for (long at = entry.Begin; at < entry.End;)
        {
            Span<byte> bytes = piece.AsSpan(0, (int)Math.Min(piece.Length, entry.End - at));
            int read = ReadWhole(file, bytes, at);
            if (FirstBad(bytes[..read], entry.Dtype) is >= 0 and var index) return (at - entry.Begin) / size + index;
            if (read < bytes.Length) throw new SafetensorsException($"tensor {entry.Name}: the file has become shorter while it was read.");
            at += read;
        }
        return -1;
    }

    /// <summary>The same of numbers in memory.</summary>
    public static int FirstBad(ReadOnlySpan<byte> bytes, ScalarType dtype) => dtype switch
    {
        ScalarType.BFloat16 => First(MemoryMarshal.Cast<byte, ushort>(bytes), (ushort)0x7F80),
        ScalarType.Float16 => First(MemoryMarshal.Cast<byte, ushort>(bytes), (ushort)0x7C00),
        ScalarType.Float32 => First(MemoryMarshal.Cast<byte, uint>(bytes), 0x7F800000u),
        ScalarType.Float64 => FirstBeyondSingle(MemoryMarshal.Cast<byte, double>(bytes)),
        _ => -1,
    };

    private static int First<T>(ReadOnlySpan<T> values, T exponent)
        where T : unmanaged, IBinaryInteger<T>
    {
        var mask = new Vector<T>(exponent);
        int i = 0;
        for (; i + Vector<T>.Count <= values.Length; i += Vector<T>.Count)
        {
            if (Vector.EqualsAny(new Vector<T>(values.Slice(i, Vector<T>.Count)) & mask, mask)) break;
        }
        for (; i < values.Length; i++)
        {
            if ((values[i] & exponent) == exponent) return i;
        }
        return -1;
    }

    /// <summary>What fp32 cannot hold becomes infinite there, and nothing is computed in fp64.</summary>
    private static int FirstBeyondSingle(ReadOnlySpan<double> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            if (!float.IsFinite((float)values[i])) return i;
        }
        return -1;
    }

    private static int ReadWhole(SafeFileHandle file, Span<byte> into, long at)
    {
        int read = 0;
        while (read < into.Length && RandomAccess.Read(file, into[read..], at + read) is > 0 and var more) read += more;
        return read;
    }
}
