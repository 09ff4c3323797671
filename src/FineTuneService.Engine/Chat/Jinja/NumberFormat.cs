using System.Globalization;
using System.Numerics;
using System.Text;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>One value by the rules that <c>'%5.2f' % x</c> and <c>'{:>5.2f}'.format(x)</c> share.</summary>
/// <param name="Align">One of <c>&lt; &gt; ^ =</c>, or null for the type's own.</param>
/// <param name="Alternate">The flag #: a prefix before digits of other bases, a point behind whole numbers.</param>
/// <param name="Grouping">A comma or underscore between groups of digits, or null.</param>
/// <param name="Type">The conversion letter, or null for the value's own.</param>
internal sealed record NumberFormat(
    string Fill, char? Align, char? Sign, bool Alternate, int Width, char? Grouping, int? Precision, char? Type)
{
    public string Apply(object? value, Budget budget)
    {
        budget.Allocate(Math.Max((double)Width, Precision ?? 0));
        var (sign, digits) = value is string text ? ("", Cut(text, budget))
            : Python.IsNumber(value) ? Number(value, budget)
            : throw new JinjaError($"unsupported format string passed to {Python.TypeName(value)}.__format__");
        var missing = Math.Max(0, Width - Text.Length(digits) - sign.Length);
        return (Align ?? (Python.IsNumber(value) ? '>' : '<')) switch
        {
            '<' => sign + digits + Padding(missing),
            '=' => sign + Padding(missing) + digits,
            '^' => Padding(missing / 2) + sign + digits + Padding(missing - (missing / 2)),
            _ => Padding(missing) + sign + digits,
        };
    }

    private string Padding(int length) => length == 0 ? "" : new StringBuilder().Insert(0, Fill, length).ToString();

    private string Cut(string text, Budget budget)
    {
        if (Type is not (null or 's')) throw new JinjaError($"Unknown format code '{Type}' for object of type 'str'");
        return Precision is { } limit ? (string)Slicing.Apply(text, 0, limit, null, budget)! : text;
    }

    private (string Sign, string Digits) Number(object? value, Budget budget)
    {
        if (Type == 'c') return ("", char.ConvertFromUtf32(Numbers.ToIndex(value)));
        var isFloat = value is double || Type is 'e' or 'E' or 'f' or 'F' or 'g' or 'G' or '%';
        var negative = value is double number ? double.IsNegative(number) : Numbers.ToInteger(value).Sign < 0;
        var sign = negative ? "-" : Sign is '+' or ' ' ? Sign.Value.ToString() : "";
        return (sign, isFloat ? Float(Math.Abs(Numbers.ToDouble(value))) : Integer(BigInteger.Abs(Numbers.ToInteger(value)), budget));
    }

    private string Integer(BigInteger value, Budget budget)
    {
        if (Type is null or 'd' or 'i' or 'u' or 'n') return Grouped(IntegerText.Of(value, budget).PadLeft(Precision ?? 0, '0'), 3);
        var (bits, prefix) = Type switch
        {
            'b' => (1, "0b"),
            'o' => (3, "0o"),
            'x' => (4, "0x"),
            'X' => (4, "0X"),
            _ => throw new JinjaError($"Unknown format code '{Type}' for object of type 'int'"),
        };
        // Each digit shifts the number, which makes another.
        budget.Allocate(value.GetBitLength() * (double)value.GetBitLength() / (16 * bits));
        budget.Step(1 + (value.GetBitLength() * (double)value.GetBitLength() / (1 << 16)));
        var digits = new StringBuilder();
        for (; !value.IsZero || digits.Length == 0; value >>= bits)
            digits.Append((Type == 'X' ? "0123456789ABCDEF" : "0123456789abcdef")[(int)(value & ((1 << bits) - 1))]);
        var text = Grouped(string.Concat(digits.ToString().Reverse()).PadLeft(Precision ?? 0, '0'), 4);
        return Alternate ? prefix + text : text;
    }

    private string Float(double value)
    {
        var upper = Type is 'E' or 'F' or 'G';
        if (!double.IsFinite(value)) return (double.IsNaN(value) ? upper ? "NAN" : "nan" : upper ? "INF" : "inf") + (Type == '%' ? "%" : "");
        var text = Type switch
        {
            null when Precision is null => Repr.Float(value),
            null => General(value, Precision.Value, keepsPoint: true),
            'f' or 'F' => ExactDecimal.Fixed(value, Precision ?? 6),
            'e' or 'E' => Scientific(value, Precision ?? 6),
            'g' or 'G' or 'n' => General(value, Precision ?? 6, keepsPoint: false),
            '%' => ExactDecimal.Fixed(value * 100, Precision ?? 6) + "%",
            _ => throw new JinjaError($"Unknown format code '{Type}' for object of type 'float'"),
        };
        if (Alternate && !text.Contains('.') && text.Length > 0 && char.IsAsciiDigit(text[^1]) && !text.Contains('e')) text += ".";
        var whole = text.AsSpan().IndexOfAnyExceptInRange('0', '9') is >= 0 and var at ? at : text.Length;
        text = Grouped(text[..whole], 3) + text[whole..];
        return upper ? text.ToUpperInvariant() : text;
    }

    private static string Scientific(double value, int places)
    {
        var (digits, exponent) = ExactDecimal.Leading(value, places + 1);
        return Exponential(places == 0 ? digits : $"{digits[0]}.{digits[1..]}", exponent);
    }

    private static string Exponential(string digits, int exponent) =>
        string.Create(CultureInfo.InvariantCulture, $"{digits}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}");

    /// <summary>As many digits as asked for, without zeros at the end; an exponent only where the point is far away.</summary>
    /// <param name="keepsPoint">A whole number keeps <c>.0</c>.</param>
    private string General(double value, int precision, bool keepsPoint)
    {
        precision = Math.Max(1, precision);
        var (digits, exponent) = ExactDecimal.Leading(value, precision);
        var exponential = exponent < -4 || exponent >= precision - (keepsPoint ? 1 : 0);
        if (keepsPoint && precision == 1 && exponent == 0) exponential = true;
        var text = exponential ? digits.Length == 1 ? digits : $"{digits[0]}.{digits[1..]}"
            : ExactDecimal.Fixed(value, Math.Max(0, precision - 1 - exponent));
        if (!Alternate && text.Contains('.')) text = text.TrimEnd('0').TrimEnd('.');
        if (exponential) return Exponential(text, exponent);
        return keepsPoint && !text.Contains('.') ? text + ".0" : text;
    }

    private string Grouped(string digits, int size)
    {
        if (Grouping is not { } separator) return digits;
        var text = new StringBuilder(digits);
        for (var at = digits.Length - size; at > 0; at -= size) text.Insert(at, separator);
        return text.ToString();
    }
}
