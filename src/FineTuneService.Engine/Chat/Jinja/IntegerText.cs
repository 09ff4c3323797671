using System.Globalization;
using System.Numerics;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>Integers as decimal digits, within Python's limit on their number.</summary>
internal static class IntegerText
{
    /// <summary>sys.get_int_max_str_digits(): the time to convert grows with the square of the digits.</summary>
    public const int MaxDigits = 4300;

    private const double BitsPerDigit = 3.33;

    public static string Of(BigInteger integer, Budget budget)
    {
        if (integer.GetBitLength() > MaxDigits * BitsPerDigit) throw TooLong();
        budget.Allocate(integer.GetBitLength() / BitsPerDigit);
        budget.Step(1 + (integer.GetBitLength() / 512.0));
        var digits = integer.ToString(CultureInfo.InvariantCulture);
        return digits.Length - (integer.Sign < 0 ? 1 : 0) > MaxDigits ? throw TooLong() : digits;
    }

    public static JinjaError TooLong() =>
        new($"Exceeds the limit ({MaxDigits} digits) for integer string conversion; use sys.set_int_max_str_digits() to increase the limit");
}
