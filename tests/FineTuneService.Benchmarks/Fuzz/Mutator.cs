using System.Buffers.Binary;
using System.Text;

namespace FineTuneService.Benchmarks.Fuzz;

/// <summary>Changes a valid input in a few places: bits, bytes, lengths, pieces, words of its language. The same random numbers give the same input.</summary>
internal static class Mutator
{
    private const int LargestGrowth = 256 * 1024;

    private static readonly string[] Numbers = ["0", "-1", "1e999", "-1e-999", "9223372036854775808", "18446744073709551615", "NaN", "null", "true", "\"\\ud800\"", "\"\\u0000\"", "{}", "[]", "[[[[[[[["];

    public static byte[] Mutate(FuzzKind kind, Random random)
    {
        byte[] input = kind.Seeds[random.Next(kind.Seeds.Count)];
        if (kind.Inside is { } inside && random.Next(2) == 0) return inside(input, kind, random);
        // Some inputs are changed much, most a little: what is refused at its first byte tests nothing behind it.
        int changes = 1 + (int)Math.Floor(-Math.Log(1 - random.NextDouble()) * 1.5);
        for (int i = 0; i < changes; i++) input = Change(input, kind.Words, random);
        return input;
    }

    /// <summary>One change.</summary>
    public static byte[] Change(byte[] input, IReadOnlyList<string> words, Random random)
    {
        if (input.Length == 0) return Encoding.UTF8.GetBytes(words[random.Next(words.Count)]);
        int at = random.Next(input.Length), length = Math.Min(input.Length - at, 1 + random.Next(random.Next(3) == 0 ? 4096 : 16));
        switch (random.Next(9))
        {
            case 0: return With(input, at, (byte)(input[at] ^ (1 << random.Next(8))));
            case 1: return With(input, at, (byte)random.Next(256));
            case 2: return [.. input[..at], .. input[(at + length)..]];
            case 3: return input.Length > LargestGrowth * 8 ? input : [.. input[..at], .. input[at..(at + length)], .. input[at..]];
            case 4: return [.. input[..at], .. Encoding.UTF8.GetBytes(words[random.Next(words.Count)]), .. input[at..]];
            case 5: return Letter(input, at, random);
            case 6: return Number(input, at, random);
            case 7: return random.Next(4) == 0 ? input[..at] : Letter(input, at, random);
            default: return Whole(input, at, random);
        }
    }

    private static byte[] With(byte[] input, int at, byte value)
    {
        byte[] changed = [.. input];
        changed[at] = value;
        return changed;
    }

    /// <summary>A letter for a letter, a digit for a digit: what mostly stays valid, and means something else.</summary>
    private static byte[] Letter(byte[] input, int at, Random random)
    {
        for (int i = 0; i < 200; i++, at = (at + 1) % input.Length)
        {
            if (char.IsAsciiDigit((char)input[at])) return With(input, at, (byte)('0' + random.Next(10)));
            if (char.IsAsciiLetter((char)input[at])) return With(input, at, (byte)('a' + random.Next(26)));
        }
        return input;
    }

    /// <summary>A text's number becomes one that no number should be.</summary>
    private static byte[] Number(byte[] input, int at, Random random)
    {
        for (int i = 0; i < 400; i++, at = (at + 1) % input.Length)
        {
            if (!char.IsAsciiDigit((char)input[at])) continue;
            int end = at;
            while (end < input.Length && (char.IsAsciiDigit((char)input[end]) || input[end] == '.')) end++;
            return [.. input[..at], .. Encoding.UTF8.GetBytes(Numbers[random.Next(Numbers.Length)]), .. input[end..]];
        }
        return input;
    }

    /// <summary>A binary length or offset becomes an extreme one.</summary>
    private static byte[] Whole(byte[] input, int at, Random random)
    {
        if (input.Length < 8) return input;
        byte[] changed = [.. input];
        // Headers hold the lengths: most of these go there.
        at = Math.Min(random.Next(2) == 0 ? random.Next(Math.Min(input.Length, 512)) : at, input.Length - 8);
        long[] values = [0, 1, -1, int.MaxValue, (long)int.MaxValue + 1, uint.MaxValue, long.MaxValue, long.MinValue, input.Length, input.Length + 1, 1L << 40];
        BinaryPrimitives.WriteInt64LittleEndian(changed.AsSpan(at), values[random.Next(values.Length)]);
        return changed;
    }
}
