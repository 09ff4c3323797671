using System.Globalization;
using System.Numerics;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>One value by the rules that <c>'%5.2f' % x</c> and <c>'{:>5.2f}'.format(x)</c> share.</summary>
/// <param name="Align">One of <c>&lt; &gt; ^ =</c>, or null for the type's own.</param>
/// <param name="Type">The conversion letter, or null for str(x).</param>
internal sealed record NumberFormat(char Fill, char? Align, char? Sign, int Width, int? Precision, bool Grouped, char? Type)
{
    public string Apply(object? value, Budget budget)
    {
        budget.Allocate(Math.Max((double)Width, Precision ?? 0));
        var (sign, digits) = Python.IsNumber(value) && (Type is not null || value is not bool) && Type is not 's'
            ? Digits(value) : ("", Cut(Repr.Str(value, budget)));
        var missing = Math.Max(0, Width - Text.Length(digits) - sign.Length);
        var padding = new string(Fill, missing);
        return (Align ?? (Python.IsNumber(value) ? '>' : '<')) switch
        {
            '<' => sign + digits + padding,
            '=' => sign + padding + digits,
            '^' => padding[..(missing / 2)] + sign + digits + padding[(missing / 2)..],
            _ => padding + sign + digits,
        };
    }

    private string Cut(string text)
    {
        if (Type is not (null or 's')) throw new JinjaError($"Unknown format code '{Type}' for object of type 'str'");
        return Precision is { } limit && Text.Length(text) > limit ? (string)Slicing.Apply(text, 0, limit, null)! : text;
    }

    private (string Sign, string Digits) Digits(object? value)
    {
        var negative = value is double number ? double.IsNegative(number) : Arithmetic.ToInteger(value).Sign < 0;
        var sign = negative ? "-" : Sign is '+' or ' ' ? Sign.Value.ToString() : "";
        var group = Grouped ? "N" : "F";
        var culture = CultureInfo.InvariantCulture;
        var digits = Type switch
        {
            null when value is double plain => Repr.Float(Math.Abs(plain)),
            null or 'd' or 'i' or 'u' or 'n' => Whole(value).ToString($"{group}0", culture),
            'x' or 'X' => Whole(value).ToString(Type.Value.ToString(), culture).TrimStart('0') is { Length: > 0 } hexadecimal
                ? hexadecimal : "0",
            'f' or 'F' => Math.Abs(Arithmetic.ToDouble(value)).ToString($"{group}{Precision ?? 6}", culture),
            'e' or 'E' => Math.Abs(Arithmetic.ToDouble(value)).ToString($"0.{new string('0', Precision ?? 6)}{Type}+00", culture),
            '%' => (Math.Abs(Arithmetic.ToDouble(value)) * 100).ToString($"{group}{Precision ?? 6}", culture) + "%",
            _ => throw JinjaError.Unsupported($"the format code '{Type}'"),
        };
        return (sign, digits);
    }

    private static BigInteger Whole(object? value) =>
        BigInteger.Abs(value is double number ? new BigInteger(Math.Truncate(number)) : Arithmetic.ToInteger(value));
}
