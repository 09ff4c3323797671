using System.Globalization;
using System.Numerics;
using System.Text.RegularExpressions;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary><c>'%s is %d' % (name, n)</c>.</summary>
internal sealed partial class PercentFormat
{
    private readonly object? _values;
    private readonly IReadOnlyList<object?> _positional;
    private readonly Budget _budget;
    private int _used;

    private PercentFormat(object? values, Budget budget)
    {
        (_values, _budget) = (values, budget);
        _positional = values is PythonTuple tuple ? tuple : [values];
    }

    public static string Apply(string format, object? values, Budget budget)
    {
        var run = new PercentFormat(values, budget);
        var text = new TextBuilder(budget);
        var from = 0;
        budget.Scan(format.Length);
        foreach (Match match in Conversion().Matches(format))
        {
            budget.Step(8);
            text.Append(format, from, match.Index - from);
            from = match.Index + match.Length;
            if (match.Groups["type"].Length == 0) throw new JinjaError("incomplete format");
            text.Append(match.Groups["type"].Value == "%" ? "%" : run.Convert(match));
        }
        if (run._values is not (Dict or List<object?> or Undefined) && run._used < run._positional.Count)
            throw new JinjaError("not all arguments converted during string formatting");
        return text.Append(format, from, format.Length - from).ToString();
    }

    private object? Next() => _used < _positional.Count ? _positional[_used++] : throw new JinjaError("not enough arguments for format string");

    private string Convert(Match match)
    {
        var flags = match.Groups["flags"].Value;
        var width = Number(match.Groups["width"]);
        var precision = Number(match.Groups["precision"]) ?? (match.Groups["point"].Success ? 0 : null);
        object? value;
        if (!match.Groups["key"].Success) value = Next();
        else if (_values is Dict dict)
            value = dict.TryGet(match.Groups["key"].Value, out var found) ? found : throw new JinjaError($"'{match.Groups["key"].Value}'");
        else throw new JinjaError("format requires a mapping");
        // A negative width, as * may give, is the flag -.
        var left = flags.Contains('-') || width < 0;
        var type = match.Groups["type"].Value[0];
        value = Converted(type, value);
        var zeros = flags.Contains('0') && value is not string && !left;
        return new NumberFormat(zeros ? "0" : " ", left ? '<' : zeros ? '=' : '>',
            flags.Contains('+') ? '+' : flags.Contains(' ') ? ' ' : null, flags.Contains('#'), Math.Abs(width ?? 0), null, precision,
            value is string ? 's' : type is 'i' or 'u' ? 'd' : type).Apply(value, _budget);
    }

    private object? Converted(char type, object? value)
    {
        switch (type)
        {
            case 's': return Repr.Str(value, _budget);
            case 'r' or 'a': return Repr.Of(value, _budget, ascii: type == 'a');
            case 'c' when value is string one && Text.Length(one) == 1: return one;
            case 'c' when value is BigInteger or bool: return char.ConvertFromUtf32(CodePoint(value));
            case 'c': throw new JinjaError("%c requires int or char");
            case 'd' or 'i' or 'u' when value is double number && double.IsFinite(number): return new BigInteger(Math.Truncate(number));
            case 'x' or 'X' or 'o' when value is not (BigInteger or bool):
                throw new JinjaError($"%{type} format: an integer is required, not {Python.TypeName(value)}");
            case 'd' or 'i' or 'u' or 'e' or 'E' or 'f' or 'F' or 'g' or 'G' or 'x' or 'X' or 'o':
                if (Python.IsNumber(value) && value is not double.NaN) return value;
                throw new JinjaError(type is 'd' or 'i' or 'u'
                    ? $"%{type} format: a real number is required, not {Python.TypeName(value)}" : $"must be real number, not {Python.TypeName(value)}");
            default: throw new JinjaError($"unsupported format character '{type}' (0x{(int)type:x})");
        }
    }

    private static int CodePoint(object? value) => Numbers.ToIndex(value) is >= 0 and <= 0x10FFFF and not (>= 0xD800 and <= 0xDFFF) and var point
        ? point : throw new JinjaError("%c arg not in range(0x110000)");

    private int? Number(Group group) => group.Length == 0 ? null : group.Value == "*" ? Numbers.ToIndex(Next())
        : int.TryParse(group.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : int.MaxValue;

    [GeneratedRegex(@"%(?:\((?<key>[^)]*)\))?(?<flags>[-+ 0#]*)(?<width>[0-9]*|\*)(?<point>\.(?<precision>[0-9]*|\*))?[hlL]?(?<type>[\s\S]?)")]
    private static partial Regex Conversion();
}
