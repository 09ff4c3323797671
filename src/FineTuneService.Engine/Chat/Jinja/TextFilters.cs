using System.Text;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>Filters that take and give a text.</summary>
internal static class TextFilters
{
    public static object? Replace(Arguments arguments) => Replacing.Replace(arguments.Str(arguments[0]),
        arguments.Str(arguments.Require(1, "old")), arguments.Str(arguments.Require(2, "new")),
        arguments.Get(3, "count") is { } count ? Numbers.ToIndex(count) : -1, arguments.Budget);

    public static object? Center(Arguments arguments) =>
        Padding.Pad(arguments.Str(arguments[0]), arguments.GetInteger(1, "width", 80), " ", left: 0.5, arguments.Budget);

    public static object? WordCount(Arguments arguments)
    {
        var (count, inWord) = (0, false);
        foreach (var rune in arguments.Str(arguments[0]).EnumerateRunes())
        {
            // A word is what regular expressions call one: letters, digits and underscores.
            var isWord = Rune.IsLetterOrDigit(rune) || rune.Value == '_';
            if (isWord && !inWord) count++;
            inWord = isWord;
        }
        return new System.Numerics.BigInteger(count);
    }

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
        if (arguments[0] is not string given)
            throw (arguments[0] as Undefined)?.Error() ?? new JinjaError($"unsupported operand type(s) for +=: '{Python.TypeName(arguments[0])}' and 'str'");
        var width = arguments.Get(1, "width", null);
        var indentation = width as string ?? Padding.Spaces(arguments.GetInteger(1, "width", 4), arguments.Budget);
        var (first, blank) = (arguments.IsTrue(2, "first"), arguments.IsTrue(3, "blank"));
        var text = new TextBuilder(arguments.Budget);
        var lines = given.Split('\n');
        arguments.Budget.AllocateItems(3.0 * lines.Length);
        for (var i = 0; i < lines.Length; i++)
        {
            if (i > 0) text.Append('\n');
            if (i == 0 ? first : blank || lines[i].Length > 0) text.Append(indentation);
            text.Append(lines[i]);
        }
        return text.ToString();
    }

    /// <summary>Cuts at a word's end where it is not told to cut inside one; a little more than the length is left whole.</summary>
    public static object? Truncate(Arguments arguments)
    {
        var (text, length) = (arguments.Str(arguments[0]), arguments.GetInteger(1, "length", 255));
        var end = arguments.GetText(3, "end", "...");
        var leeway = arguments.Get(4, "leeway") is { } given ? Numbers.ToIndex(given) : 5;
        if (length < Text.Length(end)) throw new JinjaError($"expected length >= {Text.Length(end)}, got {length}");
        if (leeway < 0) throw new JinjaError($"expected leeway >= 0, got {leeway}");
        if (Text.Length(text) <= length + (long)leeway) return text;
        var cut = (string)Slicing.Apply(text, 0, length - Text.Length(end), null, arguments.Budget)!;
        if (arguments.IsTrue(2, "killwords")) return cut + end;
        return (cut.LastIndexOf(' ') is >= 0 and var blank ? cut[..blank] : cut) + end;
    }

    /// <summary>1234567 as 1.2 MB, or by powers of 1024 as 1.2 MiB.</summary>
    public static object? FileSize(Arguments arguments)
    {
        var bytes = arguments[0] is string text
            ? NumberParsing.Float(text, arguments.Budget) ?? throw new JinjaError($"could not convert string to float: {Repr.Of(text, arguments.Budget)}")
            : Numbers.ToDouble(arguments[0]);
        var binary = arguments.IsTrue(1, "binary");
        var step = binary ? 1024.0 : 1000.0;
        if (bytes == 1) return "1 Byte";
        if (bytes < step) return $"{new System.Numerics.BigInteger(Math.Truncate(bytes))} Bytes";
        var power = 1;
        while (power < 8 && bytes >= Math.Pow(step, power + 1)) power++;
        return $"{ExactDecimal.Fixed(bytes / Math.Pow(step, power), 1)} {"kMGTPEZY"[power - 1].ToString().Replace("k", binary ? "K" : "k")}{(binary ? "iB" : "B")}";
    }

    public static object? Format(Arguments arguments)
    {
        if (arguments.Named.Count == 0)
            return PercentFormat.Apply(arguments.Str(arguments[0]), new PythonTuple([.. arguments.Positional.Skip(1)]), arguments.Budget);
        if (arguments.Positional.Count > 1) throw new JinjaError("can't handle positional and keyword arguments at the same time");
        var fields = new Dict(arguments.Budget);
        foreach (var (name, value) in arguments.Named) fields[name] = value;
        return PercentFormat.Apply(arguments.Str(arguments[0]), fields, arguments.Budget);
    }
}
