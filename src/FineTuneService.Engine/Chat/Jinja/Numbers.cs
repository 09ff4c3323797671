using System.Numerics;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>Python's conversions and comparisons between int, float and bool, none of which loses a bit.</summary>
internal static class Numbers
{
    /// <summary>Bits that a double's mantissa has.</summary>
    private const int MantissaBits = 53;

    public static double ToDouble(object? number) => number switch
    {
        bool flag => flag ? 1 : 0,
        BigInteger integer => ToDouble(integer),
        double value => value,
        Undefined undefined => throw undefined.Error(),
        _ => throw new JinjaError($"must be real number, not {Python.TypeName(number)}"),
    };

    /// <summary>The nearest double; .NET's own conversion looks at the first 64 bits only.</summary>
    public static double ToDouble(BigInteger integer)
    {
        var (bits, size) = ((int)integer.GetBitLength(), BigInteger.Abs(integer));
        if (bits <= 63) return (long)integer;
        var shift = bits - 63;
        var top = size >> shift;
        // What is cut off only tells a tie from more than a tie.
        if (top << shift != size) top |= BigInteger.One;
        var value = Math.ScaleB((double)(ulong)top, shift);
        if (double.IsInfinity(value)) throw new JinjaError("int too large to convert to float");
        return integer.Sign < 0 ? -value : value;
    }

    public static BigInteger ToInteger(object? number) => number switch
    {
        bool flag => flag ? BigInteger.One : BigInteger.Zero,
        BigInteger integer => integer,
        Undefined undefined => throw undefined.Error(),
        _ => throw new JinjaError($"'{Python.TypeName(number)}' object cannot be interpreted as an integer"),
    };

    /// <summary>A place or width; what is too large for one is the largest there is.</summary>
    public static int ToIndex(object? number) =>
        (int)BigInteger.Min(int.MaxValue, BigInteger.Max(-int.MaxValue, ToInteger(number)));

    /// <summary>Null where one of them is not a number.</summary>
    public static int? Compare(object? left, object? right)
    {
        if (left is double.NaN || right is double.NaN) return null;
        return (left, right) switch
        {
            (double a, double b) => a.CompareTo(b),
            (double a, _) => -Compare(ToInteger(right), a),
            (_, double b) => Compare(ToInteger(left), b),
            _ => ToInteger(left).CompareTo(ToInteger(right)),
        };
    }

    private static int Compare(BigInteger left, double right)
    {
        if (double.IsInfinity(right)) return right > 0 ? -1 : 1;
        var whole = Math.Floor(right);
        var order = left.CompareTo(new BigInteger(whole));
        return order == 0 && right > whole ? -1 : order;
    }

    /// <summary>The nearest double to the quotient of two integers.</summary>
    public static double Divide(BigInteger left, BigInteger right)
    {
        if (right.IsZero) throw new JinjaError("division by zero");
        if (left.GetBitLength() <= MantissaBits && right.GetBitLength() <= MantissaBits) return (double)left / (double)right;
        var (a, b) = (BigInteger.Abs(left), BigInteger.Abs(right));
        // As many bits as a rounding needs, with the rest as one bit behind them.
        var shift = (int)(b.GetBitLength() - a.GetBitLength()) + MantissaBits + 11;
        var quotient = BigInteger.DivRem(shift > 0 ? a << shift : a, shift < 0 ? b << -shift : b, out var rest);
        if (!rest.IsZero) quotient |= BigInteger.One;
        var value = Math.ScaleB(ToDouble(quotient), -shift);
        if (double.IsInfinity(value)) throw new JinjaError("integer division result too large for a float");
        return left.Sign == right.Sign ? value : -value;
    }
}
