using System.Globalization;
using System.Numerics;
using System.Text;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>Values as Python prints them: <c>str(x)</c> and <c>repr(x)</c>.</summary>
internal sealed class Repr
{
    private readonly TextBuilder _text;
    private readonly Budget _budget;
    private readonly bool _ascii;

    private Repr(Budget budget, bool ascii) => (_text, _budget, _ascii) = (new TextBuilder(budget), budget, ascii);

    public static string Str(object? value, Budget budget) => value switch
    {
        string text => text,
        Markup markup => markup.Text,
        Undefined => "",
        _ => Of(value, budget),
    };

    /// <param name="ascii">Python's ascii(): other characters are escaped too.</param>
    public static string Of(object? value, Budget budget, bool ascii = false)
    {
        var repr = new Repr(budget, ascii);
        repr.Write(value);
        return repr._text.ToString();
    }

    private void Write(object? value)
    {
        _budget.Step();
        _budget.Enter();
        switch (value)
        {
            case null: _text.Append("None"); break;
            case bool flag: _text.Append(flag ? "True" : "False"); break;
            case BigInteger integer: _text.Append(IntegerText.Of(integer, _budget)); break;
            case double number: _text.Append(Float(number)); break;
            case string literal: Quote(literal); break;
            case Undefined: _text.Append("Undefined"); break;
            case List<object?> list: WriteItems("[", list, "]"); break;
            case PythonTuple or ItemGroup:
                var tuple = (IReadOnlyList<object?>)value;
                WriteItems("(", tuple, tuple.Count == 1 ? ",)" : ")");
                break;
            case DictView view:
                _text.Append(view.Name);
                WriteItems("([", view.Items, "])");
                break;
            case Dict dict: WriteDict(dict); break;
            case Function { Name: "dict" or "range" } type: _text.Append($"<class '{type.Name}'>"); break;
            case Function { Name: "namespace" or "cycler" or "joiner" } type: _text.Append($"<class 'jinja2.utils.{Text.Capitalize(type.Name)}'>"); break;
            case Function function: _text.Append($"<function {function.Name}>"); break;
            case Generated: _text.Append("<generator object>"); break;
            case PythonBytes bytes: WriteBytes(bytes); break;
            case TemplateNamespace fields:
                _text.Append("<Namespace ");
                WriteDict(fields.Fields);
                _text.Append(">");
                break;
            default: _text.Append(value.ToString() ?? ""); break;
        }
        _budget.Leave();
    }

    private void WriteItems(string open, IReadOnlyList<object?> items, string close)
    {
        _text.Append(open);
        for (var i = 0; i < items.Count; i++)
        {
            if (i > 0) _text.Append(", ");
            Write(items[i]);
        }
        _text.Append(close);
    }

    private void WriteDict(Dict dict)
    {
        _text.Append("{");
        var first = true;
        foreach (var (key, value) in dict)
        {
            if (!first) _text.Append(", ");
            first = false;
            Write(key);
            _text.Append(": ");
            Write(value);
        }
        _text.Append("}");
    }

    private void WriteBytes(PythonBytes bytes)
    {
        var quote = bytes.Values.Contains((byte)'\'') && !bytes.Values.Contains((byte)'"') ? '"' : '\'';
        _text.Append("b").Append(quote);
        foreach (var value in bytes.Values)
        {
            if (value == quote || value == '\\') _text.Append('\\').Append((char)value);
            else if (Short(value) is { } escape) _text.Append(escape);
            else if (value is >= (byte)' ' and <= (byte)'~') _text.Append((char)value);
            else _text.Append($"\\x{value:x2}");
        }
        _text.Append(quote);
    }

    /// <summary>The shortest digits that read back the same, with an exponent below 1e-4 and from 1e16.</summary>
    public static string Float(double number)
    {
        if (double.IsNaN(number)) return "nan";
        if (double.IsInfinity(number)) return number > 0 ? "inf" : "-inf";
        if (number == 0) return double.IsNegative(number) ? "-0.0" : "0.0";
        // .NET's shortest form has the same digits; only the exponent stands elsewhere.
        var parts = Math.Abs(number).ToString("R", CultureInfo.InvariantCulture).Split('E');
        var point = parts[0].IndexOf('.') is >= 0 and var at ? at : parts[0].Length;
        var digits = parts[0].Replace(".", "");
        var leadingZeros = digits.Length - digits.TrimStart('0').Length;
        digits = digits[leadingZeros..].TrimEnd('0');
        var exponent = point - leadingZeros - 1 + (parts.Length > 1 ? int.Parse(parts[1], CultureInfo.InvariantCulture) : 0);
        return (number < 0 ? "-" : "") + Place(digits, exponent);
    }

    /// <param name="digits">Without zeros at either end.</param>
    /// <param name="exponent">Of the first digit.</param>
    private static string Place(string digits, int exponent)
    {
        if (exponent is < -4 or >= 16)
            return (digits.Length > 1 ? $"{digits[0]}.{digits[1..]}" : digits) + $"e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
        if (exponent < 0) return $"0.{new string('0', -exponent - 1)}{digits}";
        return exponent + 1 < digits.Length
            ? $"{digits[..(exponent + 1)]}.{digits[(exponent + 1)..]}" : digits.PadRight(exponent + 1, '0') + ".0";
    }

    private void Quote(string literal)
    {
        _budget.Scan(literal.Length);
        var quote = literal.Contains('\'') && !literal.Contains('"') ? '"' : '\'';
        _text.Append(quote);
        foreach (var rune in literal.EnumerateRunes())
        {
            if (rune.Value == quote || rune.Value == '\\') _text.Append('\\').Append((char)rune.Value);
            else if (Short(rune.Value) is { } escape) _text.Append(escape);
            else if (IsPrintable(rune) && (rune.IsAscii || !_ascii)) _text.Append(rune);
            else if (rune.Value <= 0xFF) _text.Append($"\\x{rune.Value:x2}");
            else _text.Append(rune.Value <= 0xFFFF ? $"\\u{rune.Value:x4}" : $"\\U{rune.Value:x8}");
        }
        _text.Append(quote);
    }

    private static string? Short(int character) => character switch
    {
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        _ => null,
    };

    /// <summary>Python's str.isprintable, of one character.</summary>
    public static bool IsPrintable(Rune rune) =>
        rune.Value == ' ' || Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control
        or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);
}
