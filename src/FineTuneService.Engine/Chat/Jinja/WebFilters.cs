using System.Text;
using System.Text.RegularExpressions;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>Filters for addresses and HTML.</summary>
internal static partial class WebFilters
{
    /// <summary>A text with all but letters, digits and a few signs as %XX, or the pairs of a dict as a query.</summary>
    public static object? UrlEncode(Arguments arguments)
    {
        if (arguments[0] is string || !Python.IsIterable(arguments[0])) return Quote(arguments.Str(arguments[0]), keepsSlash: true, arguments.Budget);
        var query = new TextBuilder(arguments.Budget);
        foreach (var pair in arguments[0] is Dict dict ? dict.Items : arguments.Iterate(0))
        {
            if (Python.Iterate(pair, arguments.Budget) is not { Count: 2 } item) throw new JinjaError("urlencode needs pairs");
            if (query.Length > 0) query.Append('&');
            query.Append(Quote(arguments.Str(item[0]), false, arguments.Budget).Replace("%20", "+")).Append('=')
                .Append(Quote(arguments.Str(item[1]), false, arguments.Budget).Replace("%20", "+"));
        }
        return query.ToString();
    }

    private static string Quote(string text, bool keepsSlash, Budget budget)
    {
        budget.Scan(text.Length * 4.0);
        var quoted = new StringBuilder();
        foreach (var value in Encoding.UTF8.GetBytes(text))
        {
            var character = (char)value;
            if (char.IsAsciiLetterOrDigit(character) || character is '_' or '.' or '-' or '~' || (keepsSlash && character == '/')) quoted.Append(character);
            else quoted.Append($"%{value:X2}");
        }
        budget.Allocate(quoted.Length);
        return quoted.ToString();
    }

    /// <summary>The text between tags, with its entities as characters and its blanks as single spaces.</summary>
    public static object? StripTags(Arguments arguments)
    {
        var text = Tag().Replace(Comment().Replace(arguments.Str(arguments[0]), ""), "");
        return System.Net.WebUtility.HtmlDecode(string.Join(' ', StringSplitting.SplitWords(text, -1, arguments.Budget)));
    }

    /// <summary>The pairs of a dict as attributes of an element; none and undefined values are left out.</summary>
    public static object? XmlAttributes(Arguments arguments)
    {
        if (arguments[0] is not Dict dict) throw new JinjaError($"'{Python.TypeName(arguments[0])}' object has no attribute 'items'");
        var text = new TextBuilder(arguments.Budget);
        foreach (var (key, value) in dict)
        {
            if (value is null or Undefined) continue;
            var name = arguments.Str(key);
            if (name.Any(c => c is '/' or '>' or '=' || Text.IsSpace(c))) throw new JinjaError($"Invalid character in attribute name: {Repr.Of(name, arguments.Budget)}");
            if (text.Length > 0) text.Append(' ');
            text.Append(Markup.Escape(name, arguments.Budget).Text).Append("=\"").Append(Markup.Escape(value, arguments.Budget).Text).Append('"');
        }
        return text.Length > 0 && arguments.IsTrue(1, "autospace", standard: true) ? " " + text : text.ToString();
    }

    [GeneratedRegex("<!--.*?-->", RegexOptions.Singleline | RegexOptions.NonBacktracking)]
    private static partial Regex Comment();

    [GeneratedRegex("<[^>]*>", RegexOptions.NonBacktracking)]
    private static partial Regex Tag();
}
