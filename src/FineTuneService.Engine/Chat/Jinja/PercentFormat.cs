using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary><c>'%s is %d' % (name, n)</c>.</summary>
internal static partial class PercentFormat
{
    public static string Apply(string format, object? values, Budget budget)
    {
        var positional = values is PythonTuple tuple ? tuple : (IReadOnlyList<object?>)[values];
        var text = new StringBuilder();
        var (used, from) = (0, 0);
        foreach (Match match in Conversion().Matches(format))
        {
            text.Append(format, from, match.Index - from);
            from = match.Index + match.Length;
            if (match.Groups["type"].Value == "%")
            {
                text.Append('%');
                continue;
            }
            var value = match.Groups["key"].Success ? Members.Item(values, match.Groups["key"].Value)
                : used < positional.Count ? positional[used++] : throw new JinjaError("not enough arguments for format string");
            text.Append(Convert(match, value, budget));
        }
        if (values is not Dict && used < positional.Count)
            throw new JinjaError("not all arguments converted during string formatting");
        return text.Append(format, from, format.Length - from).ToString();
    }

    private static string Convert(Match match, object? value, Budget budget)
    {
        var type = match.Groups["type"].Value[0];
        if (type == 'r') (type, value) = ('s', Repr.Of(value, budget));
        if (type != 's' && !Python.IsNumber(value))
            throw new JinjaError($"%{type} format: a number is required, not {Python.TypeName(value)}");
        var flags = match.Groups["flags"].Value;
        var zeros = flags.Contains('0') && type != 's';
        return new NumberFormat(zeros ? '0' : ' ', flags.Contains('-') ? '<' : zeros ? '=' : '>',
            flags.Contains('+') ? '+' : flags.Contains(' ') ? ' ' : null,
            Number(match.Groups["width"]) ?? 0, Number(match.Groups["precision"]), Grouped: false, type).Apply(value, budget);
    }

    private static int? Number(Group group) => !group.Success || group.Length == 0 ? null
        : int.TryParse(group.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : int.MaxValue;

    [GeneratedRegex(@"%(\((?<key>[^)]*)\))?(?<flags>[-+ 0#]*)(?<width>[0-9]*)(\.(?<precision>[0-9]+))?(?<type>[\s\S])")]
    private static partial Regex Conversion();
}
