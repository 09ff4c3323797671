using System.Text;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>Filters that take and give a text.</summary>
internal static class TextFilters
{
    public static object? Replace(Arguments arguments) => StringMethods.Replace(arguments.Str(arguments[0]),
        arguments.Str(arguments.Require(1, "old")), arguments.Str(arguments.Require(2, "new")),
        arguments.GetInteger(3, "count", -1), arguments.Budget);

    public static object? Center(Arguments arguments) =>
        StringMethods.Pad(arguments.Str(arguments[0]), arguments.GetInteger(1, "width", 80), " ", left: 0.5, arguments.Budget);

    public static object? WordCount(Arguments arguments) =>
        new System.Numerics.BigInteger(StringSplitting.SplitWords(arguments.Str(arguments[0]), -1).Count);

    /// <summary>
    /// A capital behind blanks, hyphens and brackets; <c>world's</c> stays one word, other than in str.title().
    /// </summary>
    public static object? Title(Arguments arguments)
    {
        var title = new StringBuilder();
        var starts = true;
        foreach (var c in arguments.Str(arguments[0]))
        {
            title.Append(starts ? Text.Upper(c.ToString()) : Text.Lower(c.ToString()));
            starts = Text.IsSpace(c) || c is '-' or '(' or '{' or '[' or '<';
        }
        return title.ToString();
    }

    public static object? Indent(Arguments arguments)
    {
        var width = arguments.Get(1, "width", null);
        var indentation = width as string ?? StringMethods.Spaces(arguments.GetInteger(1, "width", 4), arguments.Budget);
        var (first, blank) = (arguments.IsTrue(2, "first"), arguments.IsTrue(3, "blank"));
        var lines = arguments.Str(arguments[0]).Split('\n');
        arguments.Budget.Allocate((double)indentation.Length * lines.Length);
        for (var i = 0; i < lines.Length; i++)
            if (i == 0 ? first : blank || lines[i].Length > 0) lines[i] = indentation + lines[i];
        return string.Join('\n', lines);
    }
}
