using System.Globalization;
using System.Numerics;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>
/// The decimal digits of a double's exact binary value, rounded to even as Python rounds: 2.675 is a little less, and becomes 2.67.
/// </summary>
internal static class ExactDecimal
{
    /// <summary>No double has more digits behind the point; what is asked for beyond is zeros.</summary>
    private const int MostPlaces = 1100;

    /// <summary><c>round(value, places)</c>.</summary>
    public static double Round(double value, int places)
    {
        // Python's own bounds: beyond them nothing, or everything, is rounded away.
        if (!double.IsFinite(value) || value == 0 || places > 323) return value;
        if (places < -308) return 0.0 * value;
        var digits = Scaled(Math.Abs(value), places).ToString(CultureInfo.InvariantCulture);
        var rounded = double.Parse($"{digits}e{-places}", NumberStyles.Float, CultureInfo.InvariantCulture);
        if (double.IsInfinity(rounded)) throw new JinjaError("rounded value too large to represent");
        return Math.CopySign(rounded, value);
    }

    /// <summary>A finite number that is not negative, with so many digits behind the point.</summary>
    public static string Fixed(double value, int places)
    {
        var exact = Math.Min(places, MostPlaces);
        var digits = Scaled(value, exact).ToString(CultureInfo.InvariantCulture).PadLeft(exact + 1, '0');
        var fraction = digits[^exact..] + new string('0', places - exact);
        return places == 0 ? digits : $"{digits[..^exact]}.{fraction}";
    }

    /// <summary>The first <paramref name="count"/> digits, and the power of ten that the first of them stands for.</summary>
    public static (string Digits, int Exponent) Leading(double value, int count)
    {
        if (value == 0) return (new string('0', count), 0);
        var exact = Math.Min(count, MostPlaces);
        var exponent = (int)Math.Floor(Math.Log10(value));
        while (true)
        {
            var digits = Scaled(value, exact - 1 - exponent).ToString(CultureInfo.InvariantCulture);
            if (digits.Length == exact) return (digits + new string('0', count - exact), exponent);
            // The logarithm was a little off, or rounding gave one digit more.
            exponent += digits.Length > exact ? 1 : -1;
        }
    }

    /// <summary>value · 10^places, rounded to an integer.</summary>
    private static BigInteger Scaled(double value, int places)
    {
        var bits = BitConverter.DoubleToInt64Bits(value);
        var exponent = (int)(bits >> 52);
        BigInteger numerator = bits & ((1L << 52) - 1), denominator = BigInteger.One;
        if (exponent == 0) exponent = 1;
        else numerator += 1L << 52;
        exponent -= 1075;
        if (places >= 0) numerator *= BigInteger.Pow(10, places);
        else denominator = BigInteger.Pow(10, -places);
        if (exponent >= 0) numerator <<= exponent;
        else denominator <<= -exponent;
        var quotient = BigInteger.DivRem(numerator, denominator, out var rest);
        var half = (rest << 1).CompareTo(denominator);
        return half > 0 || (half == 0 && !quotient.IsEven) ? quotient + 1 : quotient;
    }
}
