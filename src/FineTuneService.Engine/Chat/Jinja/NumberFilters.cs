using System.Globalization;
using System.Numerics;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>int, float, abs and round.</summary>
internal static class NumberFilters
{
    public static object? Abs(Arguments arguments) => arguments[0] switch
    {
        double number => Math.Abs(number),
        bool or BigInteger => BigInteger.Abs(Arithmetic.ToInteger(arguments[0])),
        Undefined undefined => throw undefined.Error(),
        _ => throw new JinjaError($"bad operand type for abs(): '{Python.TypeName(arguments[0])}'"),
    };

    public static object? Int(Arguments arguments)
    {
        var standard = arguments.Get(1, "default", BigInteger.Zero);
        switch (arguments[0])
        {
            case bool or BigInteger: return Arithmetic.ToInteger(arguments[0]);
            case double number: return double.IsFinite(number) ? new BigInteger(Math.Truncate(number)) : standard;
            case string text: return ParseInteger(text, arguments.GetInteger(2, "base", 10)) ?? standard;
            case Undefined undefined: throw undefined.Error();
            default: return standard;
        }
    }

    public static object? Float(Arguments arguments) => arguments[0] switch
    {
        bool or BigInteger or double => Arithmetic.ToDouble(arguments[0]),
        string text when double.TryParse(text.Replace("_", ""), NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            => number,
        Undefined undefined => throw undefined.Error(),
        _ => arguments.Get(1, "default", 0.0),
    };

    public static object? Round(Arguments arguments)
    {
        if (!Python.IsNumber(arguments[0]))
            throw new JinjaError($"type {Python.TypeName(arguments[0])} doesn't define __round__ method");
        var precision = Math.Clamp(arguments.GetInteger(1, "precision", 0), -300, 300);
        var scale = Math.Pow(10, precision);
        var number = Arithmetic.ToDouble(arguments[0]);
        double rounded = arguments.GetText(2, "method", "common") switch
        {
            "common" => precision is >= 0 and <= 15
                ? Math.Round(number, precision, MidpointRounding.ToEven) : Math.Round(number * scale) / scale,
            "ceil" => Math.Ceiling(number * scale) / scale,
            "floor" => Math.Floor(number * scale) / scale,
            _ => throw new JinjaError("method must be common, ceil or floor"),
        };
        return arguments[0] is double || arguments.Has(2, "method") ? rounded : new BigInteger(rounded);
    }

    private static object? ParseInteger(string text, int numberBase)
    {
        text = text.Trim().Replace("_", "");
        var digits = numberBase == 16 && text.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? text[2..] : text;
        if (numberBase == 10 && digits.Length < 20_000
            && BigInteger.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var integer))
            return integer;
        if (numberBase is 2 or 8 or 16 && digits.Length is > 0 and < 15 && digits.All(char.IsAsciiHexDigit)
            && digits.All(digit => Convert.ToInt32(digit.ToString(), 16) < numberBase))
            return new BigInteger(Convert.ToInt64(digits, numberBase));
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number)
            ? new BigInteger(Math.Truncate(number)) : null;
    }
}
