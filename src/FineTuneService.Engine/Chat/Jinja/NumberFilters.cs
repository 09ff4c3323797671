using System.Numerics;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>int, float, abs and round.</summary>
internal static class NumberFilters
{
    public static object? Abs(Arguments arguments) => arguments[0] switch
    {
        double number => Math.Abs(number),
        bool or BigInteger => BigInteger.Abs(Numbers.ToInteger(arguments[0])),
        Undefined undefined => throw undefined.Error(),
        _ => throw new JinjaError($"bad operand type for abs(): '{Python.TypeName(arguments[0])}'"),
    };

    public static object? Int(Arguments arguments)
    {
        var standard = arguments.Get(1, "default", BigInteger.Zero);
        switch (arguments[0])
        {
            case bool or BigInteger: return Numbers.ToInteger(arguments[0]);
            case double.NaN: return standard;
            case double number when double.IsInfinity(number): throw new JinjaError("cannot convert float infinity to integer");
            case double number: return new BigInteger(Math.Truncate(number));
            case string text: return Whole(text, arguments) ?? standard;
            case Undefined undefined: throw undefined.Error();
            default: return standard;
        }
    }

    /// <summary>A text that is no integer may still be a number, whose fraction goes: 42.23 gives 42.</summary>
    private static object? Whole(string text, Arguments arguments)
    {
        if (arguments.Get(2, "base", new BigInteger(10)) is bool or BigInteger
            && NumberParsing.Integer(text, arguments.GetInteger(2, "base", 10), arguments.Budget) is { } integer) return integer;
        return NumberParsing.Float(text, arguments.Budget) is { } number && double.IsFinite(number) ? new BigInteger(Math.Truncate(number)) : null;
    }

    public static object? Float(Arguments arguments) => arguments[0] switch
    {
        bool or BigInteger or double => Numbers.ToDouble(arguments[0]),
        string text when NumberParsing.Float(text, arguments.Budget) is { } number => number,
        Undefined undefined => throw undefined.Error(),
        _ => arguments.Get(1, "default", 0.0),
    };

    public static object? Round(Arguments arguments)
    {
        var (value, precision) = (arguments[0], arguments.Get(1, "precision", BigInteger.Zero));
        var method = arguments.Get(2, "method", "common");
        if (method is not ("common" or "ceil" or "floor")) throw new JinjaError("method must be common, ceil or floor");
        if (value is Undefined undefined) throw undefined.Error();
        if (!Python.IsNumber(value)) throw new JinjaError($"type {Python.TypeName(value)} doesn't define __round__ method");
        if (method is "common") return Common(value, precision);
        var places = Numbers.ToIndex(precision);
        Func<double, double> toward = method is "ceil" ? Math.Ceiling : Math.Floor;
        if (value is not double && places >= 0)
        {
            // Scaling an integer is exact, and so is its rounding.
            if (places > 308) throw new JinjaError("int too large to convert to float");
            var scale = BigInteger.Pow(10, places);
            return Numbers.Divide(Numbers.ToInteger(value) * scale, scale);
        }
        var power = places > 308 ? throw new JinjaError("int too large to convert to float") : Math.Pow(10, places);
        var scaled = toward(Numbers.ToDouble(value) * power);
        if (!double.IsFinite(scaled)) throw new JinjaError("cannot convert float infinity to integer");
        return places >= 0 ? Numbers.Divide(new BigInteger(scaled), BigInteger.Pow(10, places))
            : power == 0 ? throw new JinjaError("float division by zero") : Numbers.ToDouble(new BigInteger(scaled)) / power;
    }

    private static object? Common(object? value, object? precision)
    {
        if (value is double number)
        {
            if (precision is not null) return ExactDecimal.Round(number, Numbers.ToIndex(precision));
            if (!double.IsFinite(number)) throw new JinjaError("cannot convert float infinity to integer");
            return new BigInteger(Math.Round(number, MidpointRounding.ToEven));
        }
        var integer = Numbers.ToInteger(value);
        var places = precision is null ? 0 : Numbers.ToIndex(precision);
        if (places >= 0) return integer;
        if (places < -20_000) return BigInteger.Zero;
        var unit = BigInteger.Pow(10, -places);
        var quotient = BigInteger.DivRem(BigInteger.Abs(integer), unit, out var rest);
        var half = (rest * 2).CompareTo(unit);
        if (half > 0 || (half == 0 && !quotient.IsEven)) quotient++;
        return quotient * unit * integer.Sign;
    }
}
