using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.RegularExpressions;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary><c>'{} {name[key]:>5}'.format(x, name=y)</c>.</summary>
internal static partial class BraceFormat
{
    public static string Apply(
        string format, IReadOnlyList<object?> positional, IReadOnlyDictionary<string, object?> named, Budget budget)
    {
        var text = new StringBuilder();
        var (next, from) = (0, 0);
        foreach (Match match in Field().Matches(format))
        {
            text.Append(format, from, match.Index - from);
            from = match.Index + match.Length;
            if (match.Value is "{{" or "}}") text.Append(match.Value[0]);
            else if (!match.Groups["field"].Success) throw new JinjaError($"Single '{match.Value}' encountered in format string");
            else text.Append(Convert(match, Resolve(match, positional, named, ref next), budget));
        }
        return text.Append(format, from, format.Length - from).ToString();
    }

    private static object? Resolve(
        Match match, IReadOnlyList<object?> positional, IReadOnlyDictionary<string, object?> named, ref int next)
    {
        var name = match.Groups["name"].Value;
        object? value;
        if (name.Length == 0 || char.IsAsciiDigit(name[0]))
        {
            var index = name.Length == 0 ? next++ : Number(match.Groups["name"]) ?? 0;
            value = index < positional.Count ? positional[index]
                : throw new JinjaError($"Replacement index {index} out of range for positional args tuple");
        }
        else if (!named.TryGetValue(name, out value)) throw new JinjaError($"the format field '{name}' was not given");
        foreach (Capture step in match.Groups["step"].Captures)
            value = step.Value[0] == '.'
                ? Members.Attribute(value, step.Value[1..]) : Members.Item(value, Key(step.Value[1..^1]));
        return value;
    }

    private static object Key(string key) =>
        BigInteger.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? index : key;

    private static string Convert(Match match, object? value, Budget budget)
    {
        if (match.Groups["conversion"].Value == "r") value = Repr.Of(value, budget);
        else if (match.Groups["conversion"].Value == "s") value = Repr.Str(value, budget);
        var specification = match.Groups["specification"].Value;
        if (specification.Length == 0) return Repr.Str(value, budget);
        var parsed = Specification().Match(specification);
        if (!parsed.Success) throw new JinjaError($"Invalid format specifier '{specification}'");
        var zeros = parsed.Groups["zero"].Value == "0";
        return new NumberFormat(
            parsed.Groups["fill"].Value is { Length: > 0 } fill ? fill[0] : zeros ? '0' : ' ',
            First(parsed.Groups["align"]) ?? (zeros ? '=' : null), First(parsed.Groups["sign"]),
            Number(parsed.Groups["width"]) ?? 0, Number(parsed.Groups["precision"]),
            parsed.Groups["grouped"].Length > 0, First(parsed.Groups["type"])).Apply(value, budget);
    }

    private static char? First(Group group) => group.Length > 0 ? group.Value[0] : null;

    private static int? Number(Group group) => group.Length == 0 ? null
        : int.TryParse(group.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : int.MaxValue;

    [GeneratedRegex("""
        \{\{|\}\}
        |(?<field>\{(?<name>[^.\[\]{}!:]*)(?<step>\.[^.\[\]{}!:]+|\[[^\]]*\])*(?:!(?<conversion>[rs]))?(?::(?<specification>[^{}]*))?\})
        |[{}]
        """, RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Field();

    [GeneratedRegex("""
        ^(?:(?<fill>.)?(?<align>[<>=^]))?(?<sign>[-+\ ])?(?<zero>0)?
        (?<width>[0-9]*)(?<grouped>,)?(?:\.(?<precision>[0-9]+))?(?<type>[a-zA-Z%])?$
        """, RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Specification();
}
