using System.Numerics;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>The operators + - * / // % ** on Python's numbers, texts and lists.</summary>
internal static class Arithmetic
{
    /// <summary>Bits of the largest integer a template may make.</summary>
    private const int MaxBits = 1 << 16;

    public static double ToDouble(object? number) => number switch
    {
        bool flag => flag ? 1 : 0,
        BigInteger integer => (double)integer,
        double value => value,
        _ => throw new JinjaError($"must be real number, not {Python.TypeName(number)}"),
    };

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

    public static object? Negate(object? value) => value switch
    {
        double number => -number,
        bool or BigInteger => -ToInteger(value),
        Undefined undefined => throw undefined.Error(),
        _ => throw new JinjaError($"bad operand type for unary -: '{Python.TypeName(value)}'"),
    };

    public static object? Apply(string sign, object? left, object? right, Budget budget)
    {
        if ((left as Undefined ?? right as Undefined) is { } undefined) throw undefined.Error();
        if (sign == "%" && left is string format) return PercentFormat.Apply(format, right, budget);
        if (Python.IsNumber(left) && Python.IsNumber(right))
            return left is double || right is double
                ? OfDoubles(sign, ToDouble(left), ToDouble(right)) : OfIntegers(sign, ToInteger(left), ToInteger(right));
        if (sign == "+" && Add(left, right, budget) is { } sum) return sum;
        if (sign == "*" && (Repeat(left, right, budget) ?? Repeat(right, left, budget)) is { } product) return product;
        (left, right) = (Markup.Plain(left), Markup.Plain(right));
        var (leftType, rightType) = (Python.TypeName(left), Python.TypeName(right));
        if (sign == "+" && left is string or List<object?> or PythonTuple)
            throw new JinjaError($"can only concatenate {leftType} (not \"{rightType}\") to {leftType}");
        throw new JinjaError($"unsupported operand type(s) for {sign}: '{leftType}' and '{rightType}'");
    }

    private static object? Add(object? left, object? right, Budget budget)
    {
        switch (left, right)
        {
            case (Markup or string, Markup) or (Markup, string):
                var (before, after) = (Markup.Escape(left, budget).Text, Markup.Escape(right, budget).Text);
                budget.Allocate(before.Length + (double)after.Length);
                return new Markup(before + after);
            case (string a, string b):
                budget.Allocate(a.Length + (double)b.Length);
                return a + b;
            case (List<object?> a, List<object?> b):
                budget.Allocate(a.Count + (double)b.Count);
                return new List<object?>([.. a, .. b]);
            case (PythonTuple a, PythonTuple b):
                budget.Allocate(a.Count + (double)b.Count);
                return new PythonTuple([.. a, .. b]);
            default: return null;
        }
    }

    private static object? Repeat(object? value, object? times, Budget budget)
    {
        if (times is not (BigInteger or bool) || value is not (string or List<object?>)) return null;
        var length = value is string s ? s.Length : ((List<object?>)value).Count;
        var count = BigInteger.Max(0, ToInteger(times));
        budget.Allocate((double)count * Math.Max(1, length));
        return value is string text ? new System.Text.StringBuilder().Insert(0, text, (int)count).ToString()
            : Enumerable.Repeat((List<object?>)value, (int)count).SelectMany(items => items).ToList();
    }

    private static object? OfDoubles(string sign, double a, double b) => sign switch
    {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" => a / NotZero(b, "float division by zero"),
        "//" => Math.Floor(a / NotZero(b, "float floor division by zero")),
        "%" => a - Math.Floor(a / NotZero(b, "float modulo")) * b,
        _ => Math.Pow(a, b),
    };

    private static object? OfIntegers(string sign, BigInteger a, BigInteger b)
    {
        object? result = sign switch
        {
            "+" => a + b,
            "-" => a - b,
            "*" => a * b,
            "/" => b.IsZero ? throw new JinjaError("division by zero") : (double)a / (double)b,
            "//" => FloorDivide(a, b),
            "%" => a - FloorDivide(a, b) * b,
            _ => Power(a, b),
        };
        if (result is BigInteger integer && integer.GetBitLength() > MaxBits)
            throw new JinjaError("the template makes an integer that is too large.");
        return result;
    }

    private static BigInteger FloorDivide(BigInteger a, BigInteger b)
    {
        if (b.IsZero) throw new JinjaError("integer modulo by zero");
        var quotient = BigInteger.DivRem(a, b, out var remainder);
        return !remainder.IsZero && remainder.Sign != b.Sign ? quotient - 1 : quotient;
    }

    private static object Power(BigInteger a, BigInteger b)
    {
        if (b.Sign < 0)
            return a.IsZero ? throw new JinjaError("0.0 cannot be raised to a negative power") : Math.Pow((double)a, (double)b);
        if (a.GetBitLength() > 1 && (double)b * a.GetBitLength() > MaxBits)
            throw new JinjaError("the template makes an integer that is too large.");
        if (BigInteger.Abs(a) <= 1) return b.IsZero ? BigInteger.One : a.Sign < 0 && b.IsEven ? -a : a;
        return BigInteger.Pow(a, (int)b);
    }

    private static double NotZero(double divisor, string message) => divisor != 0 ? divisor : throw new JinjaError(message);
}
