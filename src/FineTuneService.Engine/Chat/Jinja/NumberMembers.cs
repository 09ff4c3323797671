using System.Numerics;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>Attributes and methods of Python's int and float.</summary>
internal static class NumberMembers
{
    public static bool TryGet(object number, string name, out object? member)
    {
        member = number is double value ? OfFloat(value, name) : OfInteger(Numbers.ToInteger(number), name);
        return member is not null;
    }

    private static object? OfInteger(BigInteger value, string name) => name switch
    {
        "real" or "numerator" => value,
        "imag" => BigInteger.Zero,
        "denominator" => BigInteger.One,
        "conjugate" => new Function(name, _ => value),
        "bit_length" => new Function(name, _ => new BigInteger(BigInteger.Abs(value).GetBitLength())),
        "bit_count" => new Function(name, _ => BigInteger.PopCount(BigInteger.Abs(value))),
        "as_integer_ratio" => new Function(name, _ => new PythonTuple([value, BigInteger.One])),
        _ => null,
    };

    private static object? OfFloat(double value, string name) => name switch
    {
        "real" => value,
        "imag" => 0.0,
        "conjugate" => new Function(name, _ => value),
        "is_integer" => new Function(name, _ => double.IsInteger(value)),
        _ => null,
    };
}
