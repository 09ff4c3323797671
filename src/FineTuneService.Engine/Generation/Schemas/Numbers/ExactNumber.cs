using System.Globalization;
using System.Numerics;

namespace FineTuneService.Engine.Generation.Schemas.Numbers;

/// <summary>A decimal number of any length: mantissa · 10^exponent. Equal numbers have equal fields: the mantissa ends in no zero.</summary>
internal readonly record struct ExactNumber : IComparable<ExactNumber>
{
    private const int LargestExponent = 5_000;

    public ExactNumber(BigInteger mantissa, int exponent)
    {
        if (mantissa.IsZero) exponent = 0;
        while (!mantissa.IsZero && BigInteger.DivRem(mantissa, 10, out BigInteger digit) is var shorter && digit.IsZero) (mantissa, exponent) = (shorter, exponent + 1);
        (Mantissa, Exponent) = (mantissa, exponent);
    }

    public BigInteger Mantissa { get; }

    public int Exponent { get; }

    public static ExactNumber One { get; } = new(1, 0);

    public int Sign => Mantissa.Sign;

    public bool IsInteger => Exponent >= 0;

    /// <param name="json">A number as JSON writes it.</param>
    /// <returns>False where it is too long or its exponent too large.</returns>
    public static bool TryParse(string json, out ExactNumber number)
    {
        number = default;
        if (json.Length > SchemaLimits.NumberBytes) return false;
        int e = json.IndexOfAny(['e', 'E']), exponent = 0;
        if (e >= 0 && (!int.TryParse(json.AsSpan(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exponent) || Math.Abs(exponent) > LargestExponent)) return false;
        string digits = e >= 0 ? json[..e] : json;
        int dot = digits.IndexOf('.');
        if (dot >= 0) exponent -= digits.Length - dot - 1;
        number = new ExactNumber(BigInteger.Parse(digits.Replace(".", ""), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture), exponent);
        return true;
    }

    /// <summary>This as a whole number of 10^<paramref name="exponent"/>, which is at most its own exponent.</summary>
    public BigInteger Scaled(int exponent) => Mantissa * BigInteger.Pow(10, Exponent - exponent);

    public int CompareTo(ExactNumber other)
    {
        if (Sign != other.Sign) return Sign.CompareTo(other.Sign);
        int common = Math.Min(Exponent, other.Exponent);
        return Scaled(common).CompareTo(other.Scaled(common));
    }

    public ExactNumber Times(int powerOfTen) => new(Mantissa, Exponent + powerOfTen);

    public ExactNumber Negated() => new(-Mantissa, Exponent);

    /// <summary>Whether this is a whole multiple of another, which is more than 0.</summary>
    public bool IsMultipleOf(ExactNumber step)
    {
        int common = Math.Min(Exponent, step.Exponent);
        return (Scaled(common) % step.Scaled(common)).IsZero;
    }

    /// <summary>The smallest multiple of a step that is at least this, or above it.</summary>
    public ExactNumber NextMultiple(ExactNumber step, bool above)
    {
        int common = Math.Min(Exponent, step.Exponent);
        BigInteger value = Scaled(common), size = step.Scaled(common);
        BigInteger remainder = ((value % size) + size) % size;
        BigInteger next = remainder.IsZero ? (above ? value + size : value) : value - remainder + size;
        return new ExactNumber(next, common);
    }

    public ExactNumber Plus(ExactNumber other)
    {
        int common = Math.Min(Exponent, other.Exponent);
        return new ExactNumber(Scaled(common) + other.Scaled(common), common);
    }

    /// <summary>The step whose multiples are the common multiples of two steps.</summary>
    public static ExactNumber CommonStep(ExactNumber a, ExactNumber b)
    {
        int common = Math.Min(a.Exponent, b.Exponent);
        BigInteger x = a.Scaled(common), y = b.Scaled(common);
        return new ExactNumber(x / BigInteger.GreatestCommonDivisor(x, y) * y, common);
    }

    /// <summary>As people write it, without an exponent.</summary>
    public string Written()
    {
        string digits = BigInteger.Abs(Mantissa).ToString(CultureInfo.InvariantCulture), sign = Sign < 0 ? "-" : "";
        if (Exponent >= 0) return sign + digits + new string('0', Exponent);
        digits = digits.PadLeft(1 - Exponent, '0');
        return $"{sign}{digits[..^-Exponent]}.{digits[^-Exponent..]}";
    }

    public override string ToString() => $"{Mantissa}e{Exponent}";
}
