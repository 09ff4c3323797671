using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FineTuneService.Engine.Kernels;

/// <summary>256 values that bytes stand for, and which byte a value between -1 and 1 becomes.</summary>
/// <param name="codes">[256], ascending.</param>
/// <param name="binned">Whether values are rounded by bitsandbytes' table, and not to the nearest code.</param>
internal sealed class CodeBook(float[] codes, bool binned = false)
{
    /// <summary>Intervals of bitsandbytes' table.</summary>
    private const int Bins = 65535;

    private byte[]? _table;

    public float[] Codes => codes;

    /// <summary>[255]: midpoints of neighbouring codes.</summary>
    public float[] Bounds { get; } = [.. codes.Zip(codes.Skip(1), (low, high) => (low + high) / 2)];

    /// <summary>
    /// The same codes, taken as bitsandbytes' CPU kernel takes them: the code nearest to the middle of one of 65,536 bins, so that small
    /// values, and 0, get a code that is not theirs.
    /// </summary>
    public CodeBook Binned => new(codes, binned: true);

    /// <param name="scaled">-1…1.</param>
    public byte Code(float scaled) => binned ? Table[(int)((scaled + 1) * 0.5f * Bins + 0.5f)] : Nearest(scaled);

    /// <summary>The nearest code's index; a tie goes to the lower.</summary>
    public byte Nearest(float scaled)
    {
        ref float bounds = ref MemoryMarshal.GetArrayDataReference(Bounds);
        int code = 0;
        for (int step = 128; step > 0; step /= 2)
        {
            if (scaled > Unsafe.Add(ref bounds, code + step - 1)) code += step;
        }
        return (byte)code;
    }

    private byte[] Table => _table ??= [.. Enumerable.Range(0, Bins + 1).Select(bin => Nearest(-1 + 2f * bin / Bins))];
}
