using System.Numerics;

namespace FineTuneService.Engine.Formats.Gguf.Blocks;

/// <summary>
/// A code book of vectors. A vector's digits in a small book of levels are a number, its first digit the lowest, and a grid lists its vectors in the
/// order of these numbers: so it is a set of numbers, of which one bit each says whether it is in.
/// </summary>
internal sealed class Grid
{
    private readonly float[] _values;
    private readonly int _length;

    /// <param name="levels">Numbers that a vector is made of.</param>
    /// <param name="length">Of a vector.</param>
    /// <param name="members">Base64 of the set's bits, the lowest of a byte first; white space is passed over.</param>
    public Grid(ReadOnlySpan<sbyte> levels, int length, string members)
    {
        _length = length;
        byte[] bits = Convert.FromBase64String(members);
        var values = new List<float>();
        for (int number = 0; number < bits.Length * 8; number++)
        {
            if ((bits[number / 8] >> number % 8 & 1) == 0) continue;
            for (int digit = 0, rest = number; digit < length; digit++, rest /= levels.Length) values.Add(levels[rest % levels.Length]);
        }
        _values = [.. values];
    }

    public int Count => _values.Length / _length;

    public ReadOnlySpan<float> this[int index] => _values.AsSpan(index * _length, _length);

    /// <summary>A vector times a scale, negative where the sign's bit is set.</summary>
    public void Decode(int index, float scale, int signs, Span<float> values)
    {
        ReadOnlySpan<float> vector = this[index];
        for (int i = 0; i < vector.Length; i++) values[i] = scale * ((signs >> i & 1) != 0 ? -vector[i] : vector[i]);
    }

    /// <summary>Eight signs of which seven are stored: their number is even.</summary>
    public static int EvenSigns(uint seven) => (int)(seven & 127 | (uint)(BitOperations.PopCount(seven & 127) & 1) << 7);
}
