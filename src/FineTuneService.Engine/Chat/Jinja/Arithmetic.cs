using System.Numerics;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>The operators + - * / // % ** on Python's numbers, texts and lists.</summary>
internal static class Arithmetic
{
    /// <summary>Bits of the largest integer a template may make.</summary>
    public const int MaxBits = 1 << 16;

    private const double BitsPerCharacter = 16;

    public static object? Negate(object? value) => value switch
    {
        double number => -number,
        bool or BigInteger => -Numbers.ToInteger(value),
        Undefined undefined => throw undefined.Error(),
        _ => throw new JinjaError($"bad operand type for unary -: '{Python.TypeName(value)}'"),
    };

    public static object? Apply(string sign, object? left, object? right, Budget budget)
    {
        if (sign == "%" && left is string format) return PercentFormat.Apply(format, right, budget);
        if ((left as Undefined ?? right as Undefined) is { } undefined) throw undefined.Error();
        if (Python.IsNumber(left) && Python.IsNumber(right))
            return left is double || right is double
                ? OfDoubles(sign, Numbers.ToDouble(left), Numbers.ToDouble(right))
                : OfIntegers(sign, Numbers.ToInteger(left), Numbers.ToInteger(right), budget);
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
                budget.AllocateItems(a.Count + (double)b.Count);
                return new List<object?>([.. a, .. b]);
            case (PythonTuple a, PythonTuple b):
                budget.AllocateItems(a.Count + (double)b.Count);
                return new PythonTuple([.. a, .. b]);
            default: return null;
        }
    }

    private static object? Repeat(object? value, object? times, Budget budget)
    {
        if (times is not (BigInteger or bool) || value is not (string or List<object?> or PythonTuple)) return null;
        var count = BigInteger.Max(0, Numbers.ToInteger(times));
        if (value is string text)
        {
            budget.Allocate((double)count * text.Length);
            return text.Length == 0 ? "" : new System.Text.StringBuilder().Insert(0, text, (int)count).ToString();
        }
        var items = (IReadOnlyList<object?>)value;
        budget.AllocateItems((double)count * items.Count);
        var repeated = new List<object?>();
        for (var i = 0; items.Count > 0 && i < count; i++) repeated.AddRange(items);
        return value is PythonTuple ? new PythonTuple(repeated) : repeated;
    }

    private static object? OfDoubles(string sign, double a, double b) => sign switch
    {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" => a / NotZero(b, "float division by zero"),
        "//" => FloorDivide(a, NotZero(b, "float floor division by zero")).Quotient,
        "%" => FloorDivide(a, NotZero(b, "float modulo")).Modulo,
        _ => Power(a, b),
    };

    /// <summary>As C's fmod has it, moved to the divisor's sign.</summary>
    private static (double Quotient, double Modulo) FloorDivide(double a, double b)
    {
        var rest = a % b;
        var quotient = (a - rest) / b;
        if (rest == 0) rest = Math.CopySign(0, b);
        else if (b < 0 != rest < 0) (rest, quotient) = (rest + b, quotient - 1);
        if (quotient == 0) return (Math.CopySign(0, a / b), rest);
        var whole = Math.Floor(quotient);
        return (quotient - whole > 0.5 ? whole + 1 : whole, rest);
    }

    private static double Power(double a, double b)
    {
        if (a == 0 && b < 0) throw new JinjaError("0.0 cannot be raised to a negative power");
        if (a < 0 && double.IsFinite(a) && double.IsFinite(b) && b != Math.Floor(b)) throw JinjaError.Unsupported("a complex number");
        var power = Math.Pow(a, b);
        return double.IsInfinity(power) && double.IsFinite(a) && double.IsFinite(b)
            ? throw new JinjaError("(34, 'Numerical result out of range')") : power;
    }

    private static object? OfIntegers(string sign, BigInteger a, BigInteger b, Budget budget)
    {
        budget.Allocate((a.GetBitLength() + b.GetBitLength()) / BitsPerCharacter);
        // Schoolbook multiplication and division, by 64-bit words.
        budget.Step((a.GetBitLength() / 64 + 1.0) * (b.GetBitLength() / 64 + 1.0) / 64);
        object? result = sign switch
        {
            "+" => a + b,
            "-" => a - b,
            "*" => a * b,
            "/" => Numbers.Divide(a, b),
            "//" => FloorDivide(a, b),
            "%" => a - (FloorDivide(a, b) * b),
            _ => Power(a, b, budget),
        };
        return result is BigInteger integer && integer.GetBitLength() > MaxBits ? throw TooLarge() : result;
    }

    public static JinjaError TooLarge() => new("the template makes an integer that is too large.");

    private static BigInteger FloorDivide(BigInteger a, BigInteger b)
    {
        if (b.IsZero) throw new JinjaError("integer division or modulo by zero");
        var quotient = BigInteger.DivRem(a, b, out var remainder);
        return !remainder.IsZero && remainder.Sign != b.Sign ? quotient - 1 : quotient;
    }

    private static object Power(BigInteger a, BigInteger b, Budget budget)
    {
        if (b.Sign < 0)
            return a.IsZero ? throw new JinjaError("0.0 cannot be raised to a negative power") : Math.Pow(Numbers.ToDouble(a), Numbers.ToDouble(b));
        if (BigInteger.Abs(a) <= 1) return b.IsZero ? BigInteger.One : a.Sign < 0 && b.IsEven ? -a : a;
        var bits = (double)b * (a.GetBitLength() - 1);
        if (bits > MaxBits) throw TooLarge();
        budget.Step(bits * bits / (64 * 64 * 64));
        return BigInteger.Pow(a, (int)b);
    }

    private static double NotZero(double divisor, string message) => divisor != 0 ? divisor : throw new JinjaError(message);
}
