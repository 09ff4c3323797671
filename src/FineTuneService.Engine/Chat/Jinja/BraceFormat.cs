using System.Globalization;
using System.Numerics;
using System.Text.RegularExpressions;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary><c>'{} {name[key]:>5}'.format(x, name=y)</c>.</summary>
internal sealed partial class BraceFormat
{
    // A specification may hold fields itself: '{:{}}'.format(x, width).
    private const int MostLevels = 2;

    private readonly IReadOnlyList<object?> _positional;
    private readonly Func<string, (bool Found, object? Value)> _named;
    private readonly Budget _budget;
    private int _next;
    private bool _counts, _numbers;

    private BraceFormat(IReadOnlyList<object?> positional, Func<string, (bool, object?)> named, Budget budget) =>
        (_positional, _named, _budget) = (positional, named, budget);

    public static string Apply(string format, IReadOnlyList<object?> positional, IReadOnlyDictionary<string, object?> named, Budget budget) =>
        new BraceFormat(positional, name => (named.TryGetValue(name, out var value), value), budget).Write(format, MostLevels);

    public static string Apply(string format, Dict mapping, Budget budget) =>
        new BraceFormat([], name => (mapping.TryGet(name, out var value), value), budget).Write(format, MostLevels);

    private string Write(string format, int levels)
    {
        if (levels == 0) throw new JinjaError("Max string recursion exceeded");
        var text = new TextBuilder(_budget);
        for (var at = 0; at < format.Length;)
        {
            _budget.Step();
            var brace = format.AsSpan(at).IndexOfAny('{', '}');
            if (brace < 0) return text.Append(format, at, format.Length - at).ToString();
            text.Append(format, at, brace);
            at += brace;
            if (at + 1 < format.Length && format[at + 1] == format[at])
            {
                text.Append(format[at]);
                at += 2;
            }
            else if (format[at] == '}') throw new JinjaError("Single '}' encountered in format string");
            else
            {
                var end = FieldEnd(format, at);
                text.Append(Field(format[(at + 1)..end], levels));
                at = end + 1;
            }
        }
        return text.ToString();
    }

    private static int FieldEnd(string format, int start)
    {
        for (int at = start, depth = 0, bracket = 0; at < format.Length; at++)
        {
            if (format[at] == '[' && depth == 1) bracket = 1;
            else if (format[at] == ']') bracket = 0;
            else if (bracket == 0 && format[at] == '{') depth++;
            else if (bracket == 0 && format[at] == '}' && --depth == 0) return at;
        }
        throw new JinjaError(start + 1 == format.Length ? "Single '{' encountered in format string" : "expected '}' before end of string");
    }

    private string Field(string field, int levels)
    {
        var match = Parts().Match(field);
        if (!match.Success) throw new JinjaError($"the format field '{{{field}}}' is not one");
        var value = Resolve(match);
        switch (match.Groups["conversion"].Value)
        {
            case "r": value = Repr.Of(value, _budget); break;
            case "a": value = Repr.Of(value, _budget, ascii: true); break;
            case "s": value = Repr.Str(value, _budget); break;
            case "": break;
            case var other: throw new JinjaError($"Unknown conversion specifier {other}");
        }
        var specification = match.Groups["specification"].Value;
        if (specification.Contains('{')) specification = Write(specification, levels - 1);
        return specification.Length == 0 ? Repr.Str(value, _budget) : Formatted(value, specification);
    }

    private object? Resolve(Match match)
    {
        var name = match.Groups["name"].Value;
        object? value;
        if (name.Length == 0 || name.All(char.IsAsciiDigit))
        {
            _counts |= name.Length == 0;
            _numbers |= name.Length > 0;
            if (_counts && _numbers) throw new JinjaError("cannot switch between manual field specification and automatic field numbering");
            var index = name.Length == 0 ? _next++ : Number(match.Groups["name"]) ?? 0;
            value = index < _positional.Count ? _positional[index]
                : throw new JinjaError($"Replacement index {index} out of range for positional args tuple");
        }
        else
        {
            (var found, value) = _named(name);
            if (!found) throw new JinjaError($"'{name}'");
        }
        foreach (Capture step in match.Groups["step"].Captures)
        {
            _budget.Step();
            value = step.Value[0] == '.'
                ? Members.Attribute(value, step.Value[1..], _budget) : Members.Item(value, Key(step.Value[1..^1]), _budget);
        }
        return value;
    }

    private static object? Key(string key) =>
        key.Length < 20 && BigInteger.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? index : key;

    private string Formatted(object? value, string specification)
    {
        var parsed = Specification().Match(specification);
        if (!parsed.Success) throw new JinjaError($"Invalid format specifier '{specification}' for object of type '{Python.TypeName(value)}'");
        if (value is BigInteger or bool && parsed.Groups["precision"].Length > 0 && parsed.Groups["type"].Value is "" or "d" or "x" or "X" or "o" or "b" or "n" or "c")
            throw new JinjaError("Precision not allowed in integer format specifier");
        var zeros = parsed.Groups["zero"].Value == "0";
        return new NumberFormat(
            parsed.Groups["fill"].Value is { Length: > 0 } fill ? fill : zeros ? "0" : " ",
            First(parsed.Groups["align"]) ?? (zeros && Python.IsNumber(value) ? '=' : null), First(parsed.Groups["sign"]),
            parsed.Groups["alternate"].Length > 0, Number(parsed.Groups["width"]) ?? 0, First(parsed.Groups["grouping"]),
            Number(parsed.Groups["precision"]), First(parsed.Groups["type"])).Apply(value, _budget);
    }

    private static char? First(Group group) => group.Length > 0 ? group.Value[0] : null;

    private static int? Number(Group group) => group.Length == 0 ? null
        : int.TryParse(group.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : int.MaxValue;

    [GeneratedRegex(@"^(?<name>[^.\[\]{}!:]*)(?<step>\.[^.\[\]{}!:]+|\[[^\]]+\])*(?:!(?<conversion>[^:]*))?(?::(?<specification>[\s\S]*))?\z")]
    private static partial Regex Parts();

    [GeneratedRegex("""
        ^(?:(?<fill>[\s\S]|[\uD800-\uDBFF][\uDC00-\uDFFF])?(?<align>[<>=^]))?(?<sign>[-+\ ])?(?<alternate>\#)?(?<zero>0)?
        (?<width>[0-9]*)(?<grouping>[,_])?(?:\.(?<precision>[0-9]+))?(?<type>[a-zA-Z%])?\z
        """, RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Specification();
}
