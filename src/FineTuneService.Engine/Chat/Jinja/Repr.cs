using System.Globalization;
using System.Numerics;
using System.Text;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>Values as Python prints them: <c>str(x)</c> and <c>repr(x)</c>.</summary>
internal static class Repr
{
    public static string Str(object? value, Budget budget) => value switch
    {
        string text => text,
        Undefined => "",
        _ => Of(value, budget),
    };

    public static string Of(object? value, Budget budget)
    {
        var text = new StringBuilder();
        Write(value, text, budget);
        return text.ToString();
    }

    private static void Write(object? value, StringBuilder text, Budget budget)
    {
        budget.Step();
        var start = text.Length;
        switch (value)
        {
            case null: text.Append("None"); break;
            case bool flag: text.Append(flag ? "True" : "False"); break;
            case BigInteger integer: text.Append(integer.ToString(CultureInfo.InvariantCulture)); break;
            case double number: text.Append(Float(number)); break;
            case string literal: Quote(literal, text); break;
            case Undefined: text.Append("Undefined"); break;
            case List<object?> list: WriteItems("[", list, "]", text, budget); break;
            case PythonTuple tuple: WriteItems("(", tuple, tuple.Count == 1 ? ",)" : ")", text, budget); break;
            case DictView view:
                text.Append(view.Name);
                WriteItems("([", view.Items, "])", text, budget);
                break;
            case Dict dict: WriteDict(dict, text, budget); break;
            case Function function: text.Append($"<function {function.Name}>"); break;
            case Generated: text.Append("<generator object>"); break;
            case TemplateNamespace fields:
                text.Append("<Namespace ");
                WriteDict(fields.Fields, text, budget);
                text.Append('>');
                break;
            default: text.Append(value); break;
        }
        budget.Allocate(text.Length - start);
    }

    private static void WriteItems(string open, IReadOnlyList<object?> items, string close, StringBuilder text, Budget budget)
    {
        text.Append(open);
        for (var i = 0; i < items.Count; i++)
        {
            if (i > 0) text.Append(", ");
            Write(items[i], text, budget);
        }
        text.Append(close);
    }

    private static void WriteDict(Dict dict, StringBuilder text, Budget budget)
    {
        text.Append('{');
        var first = true;
        foreach (var (key, value) in dict)
        {
            if (!first) text.Append(", ");
            first = false;
            Write(key, text, budget);
            text.Append(": ");
            Write(value, text, budget);
        }
        text.Append('}');
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

    private static void Quote(string literal, StringBuilder text)
    {
        var quote = literal.Contains('\'') && !literal.Contains('"') ? '"' : '\'';
        text.Append(quote);
        foreach (var rune in literal.EnumerateRunes())
        {
            if (rune.Value == quote || rune.Value == '\\') text.Append('\\').Append((char)rune.Value);
            else if (rune.Value == '\n') text.Append("\\n");
            else if (rune.Value == '\r') text.Append("\\r");
            else if (rune.Value == '\t') text.Append("\\t");
            else if (IsPrintable(rune)) text.Append(rune.ToString());
            else if (rune.Value <= 0xFF) text.Append($"\\x{rune.Value:x2}");
            else text.Append(rune.Value <= 0xFFFF ? $"\\u{rune.Value:x4}" : $"\\U{rune.Value:x8}");
        }
        text.Append(quote);
    }

    private static bool IsPrintable(Rune rune) =>
        rune.Value == ' ' || Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control
        or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);
}
