using System.Globalization;
using System.Numerics;
using System.Text;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>The methods of Python's str. Positions count code points.</summary>
internal static class StringMethods
{
    /// <returns>The method bound to <paramref name="text"/>, or null where str has none of that name.</returns>
    public static Func<Arguments, object?>? Find(string text, string name) => name switch
    {
        "strip" => arguments => Strip(text, arguments.Get(0, "chars"), left: true, right: true),
        "lstrip" => arguments => Strip(text, arguments.Get(0, "chars"), left: true, right: false),
        "rstrip" => arguments => Strip(text, arguments.Get(0, "chars"), left: false, right: true),
        "split" => arguments => StringSplitting.Split(text, arguments, fromRight: false),
        "rsplit" => arguments => StringSplitting.Split(text, arguments, fromRight: true),
        "splitlines" => _ => StringSplitting.SplitLines(text),
        "partition" => arguments => StringSplitting.Partition(text, arguments.RequireText(0, "sep"), last: false),
        "rpartition" => arguments => StringSplitting.Partition(text, arguments.RequireText(0, "sep"), last: true),
        "startswith" => arguments => HasAffix(text, arguments, (part, affix) => part.StartsWith(affix, StringComparison.Ordinal)),
        "endswith" => arguments => HasAffix(text, arguments, (part, affix) => part.EndsWith(affix, StringComparison.Ordinal)),
        "removeprefix" => arguments => text.StartsWith(arguments.RequireText(0, "prefix"), StringComparison.Ordinal)
            ? text[arguments.RequireText(0, "prefix").Length..] : text,
        "removesuffix" => arguments => text.EndsWith(arguments.RequireText(0, "suffix"), StringComparison.Ordinal)
            ? text[..^arguments.RequireText(0, "suffix").Length] : text,
        "replace" => arguments => Replace(
            text, arguments.RequireText(0, "old"), arguments.RequireText(1, "new"), arguments.GetInteger(2, "count", -1), arguments.Budget),
        "upper" => _ => Text.Upper(text),
        "lower" => _ => Text.Lower(text),
        "casefold" => _ => Text.Lower(text).Replace("ß", "ss"),
        "swapcase" => _ => string.Concat(text.Select(c => char.IsUpper(c) ? Text.Lower(c.ToString()) : Text.Upper(c.ToString()))),
        "title" => _ => Text.Title(text),
        "capitalize" => _ => Text.Capitalize(text),
        "join" => arguments => Join(text, arguments),
        "format" => arguments => BraceFormat.Apply(text, arguments.Positional, arguments.Named, arguments.Budget),
        "format_map" => arguments => BraceFormat.Apply(text, [], Fields(arguments[0]), arguments.Budget),
        "find" => arguments => Position(text, text.IndexOf(arguments.RequireText(0, "sub"), StringComparison.Ordinal)),
        "rfind" => arguments => Position(text, text.LastIndexOf(arguments.RequireText(0, "sub"), StringComparison.Ordinal)),
        "index" => arguments => text.IndexOf(arguments.RequireText(0, "sub"), StringComparison.Ordinal) is >= 0 and var at
            ? Position(text, at) : throw new JinjaError("substring not found"),
        "count" => arguments => Count(text, arguments.RequireText(0, "sub")),
        "isdigit" => _ => text.Length > 0 && text.All(c => CharUnicodeInfo.GetDigitValue(c) >= 0),
        "isdecimal" => _ => text.Length > 0 && text.All(char.IsDigit),
        "isnumeric" => _ => text.Length > 0 && text.All(char.IsNumber),
        "isalpha" => _ => text.Length > 0 && text.All(char.IsLetter),
        "isalnum" => _ => text.Length > 0 && text.All(char.IsLetterOrDigit),
        "isspace" => _ => text.Length > 0 && text.All(Text.IsSpace),
        "isupper" => _ => text == Text.Upper(text) && text != Text.Lower(text),
        "islower" => _ => text == Text.Lower(text) && text != Text.Upper(text),
        "zfill" => arguments => Zeros(text, arguments),
        "center" => arguments => Pad(text, arguments, left: 0.5),
        "ljust" => arguments => Pad(text, arguments, left: 0),
        "rjust" => arguments => Pad(text, arguments, left: 1),
        "encode" or "expandtabs" or "translate" or "maketrans" or "isidentifier" or "isprintable" or "istitle" or "isascii" =>
            _ => throw JinjaError.Unsupported($"the method str.{name}"),
        _ => null,
    };

    public static string Strip(string text, object? characters, bool left, bool right)
    {
        if (characters is not (null or string))
            throw new JinjaError($"strip arg must be None or str, not {Python.TypeName(characters)}");
        bool Strips(char c) => characters is string set ? set.Contains(c) : Text.IsSpace(c);
        var (start, end) = (0, text.Length);
        while (left && start < end && Strips(text[start])) start++;
        while (right && end > start && Strips(text[end - 1])) end--;
        return text[start..end];
    }

    public static string Replace(string text, string old, string replacement, int count, Budget budget)
    {
        if (old.Length == 0) throw JinjaError.Unsupported("replacing an empty text");
        var result = new StringBuilder();
        var from = 0;
        while (count-- != 0 && text.IndexOf(old, from, StringComparison.Ordinal) is >= 0 and var at)
        {
            budget.Allocate(replacement.Length);
            if (result.Length + (double)replacement.Length > Budget.MaxText) budget.Allocate(double.MaxValue);
            result.Append(text, from, at - from).Append(replacement);
            from = at + old.Length;
        }
        return result.Append(text, from, text.Length - from).ToString();
    }

    public static string Spaces(int count, Budget budget)
    {
        budget.Allocate(Math.Max(0, count));
        return new string(' ', Math.Max(0, count));
    }

    /// <param name="left">Share of the padding that goes to the left.</param>
    public static string Pad(string text, int width, string fill, double left, Budget budget)
    {
        if (fill.Length != 1) throw new JinjaError("The fill character must be exactly one character long");
        var missing = width - Text.Length(text);
        if (missing <= 0) return text;
        budget.Allocate(width);
        // Python centres with the odd blank on the left only where the width is odd too.
        var before = left == 0.5 ? missing / 2 + (missing & width & 1) : (int)(missing * left);
        return new string(fill[0], before) + text + new string(fill[0], missing - before);
    }

    private static string Pad(string text, Arguments arguments, double left) =>
        Pad(text, arguments.GetInteger(0, "width", 0), arguments.GetText(1, "fillchar", " "), left, arguments.Budget);

    private static string Zeros(string text, Arguments arguments)
    {
        var sign = text.StartsWith('-') || text.StartsWith('+') ? text[..1] : "";
        return sign + Pad(text[sign.Length..], arguments.GetInteger(0, "width", 0) - sign.Length, "0", left: 1, arguments.Budget);
    }

    /// <summary>The argument is an affix or a tuple of them; start and end, where given, narrow the text.</summary>
    private static bool HasAffix(string text, Arguments arguments, Func<string, string, bool> has)
    {
        var part = text;
        if (arguments.Positional.Count > 1)
        {
            int? end = arguments.Has(2, "end") ? arguments.GetInteger(2, "end", 0) : null;
            part = (string)Slicing.Apply(text, arguments.GetInteger(1, "start", 0), end, null)!;
        }
        return arguments[0] is PythonTuple several
            ? several.Any(affix => affix is string one && has(part, one)) : has(part, arguments.RequireText(0, "prefix"));
    }

    private static object? Join(string separator, Arguments arguments)
    {
        var items = Python.Iterate(arguments[0]);
        for (var i = 0; i < items.Count; i++)
            if (items[i] is string part) arguments.Budget.Allocate(part.Length + (double)separator.Length);
            else throw new JinjaError($"sequence item {i}: expected str instance, {Python.TypeName(items[i])} found");
        return string.Join(separator, items);
    }

    private static Dictionary<string, object?> Fields(object? mapping) => mapping is Dict dict
        ? dict.Where(item => item.Key is string).ToDictionary(item => (string)item.Key!, item => item.Value)
        : throw new JinjaError("format_map needs a mapping");

    private static object? Position(string text, int index) => new BigInteger(index < 0 ? -1 : Text.Length(text[..index]));

    private static object? Count(string text, string part)
    {
        if (part.Length == 0) return new BigInteger(Text.Length(text) + 1);
        var count = 0;
        for (var from = 0; text.IndexOf(part, from, StringComparison.Ordinal) is >= 0 and var at; from = at + part.Length) count++;
        return new BigInteger(count);
    }
}
