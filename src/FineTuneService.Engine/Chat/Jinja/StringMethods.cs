namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>The methods of Python's str. Positions count code points.</summary>
internal static class StringMethods
{
    // A method goes through its text about so often.
    private const int Passes = 4;

    /// <returns>The method bound to <paramref name="text"/>, or null where str has none of that name.</returns>
    public static Func<Arguments, object?>? Find(string text, string name)
    {
        var method = Named(text, name) ?? Questions(text, name);
        if (method is null) return null;
        return arguments =>
        {
            arguments.Budget.Scan(Passes * (double)text.Length);
            return method(arguments);
        };
    }

    private static Func<Arguments, object?>? Named(string text, string name) => name switch
    {
        "strip" => arguments => Stripping.Strip(text, arguments.Get(0, "chars"), left: true, right: true),
        "lstrip" => arguments => Stripping.Strip(text, arguments.Get(0, "chars"), left: true, right: false),
        "rstrip" => arguments => Stripping.Strip(text, arguments.Get(0, "chars"), left: false, right: true),
        "split" => arguments => StringSplitting.Split(text, arguments, fromRight: false),
        "rsplit" => arguments => StringSplitting.Split(text, arguments, fromRight: true),
        "splitlines" => arguments => StringSplitting.SplitLines(text, arguments.IsTrue(0, "keepends"), arguments.Budget),
        "partition" => arguments => StringSplitting.Partition(text, arguments.RequireText(0, "sep"), last: false, arguments.Budget),
        "rpartition" => arguments => StringSplitting.Partition(text, arguments.RequireText(0, "sep"), last: true, arguments.Budget),
        "startswith" => arguments => StringPlaces.HasAffix(text, arguments, (part, affix) => part.StartsWith(affix, StringComparison.Ordinal)),
        "endswith" => arguments => StringPlaces.HasAffix(text, arguments, (part, affix) => part.EndsWith(affix, StringComparison.Ordinal)),
        "removeprefix" => arguments => text.StartsWith(arguments.RequireText(0, "prefix"), StringComparison.Ordinal)
            ? text[arguments.RequireText(0, "prefix").Length..] : text,
        "removesuffix" => arguments => text.EndsWith(arguments.RequireText(0, "suffix"), StringComparison.Ordinal)
            ? text[..^arguments.RequireText(0, "suffix").Length] : text,
        "replace" => arguments => Replacing.Replace(
            text, arguments.RequireText(0, "old"), arguments.RequireText(1, "new"), arguments.GetInteger(2, "count", -1), arguments.Budget),
        "translate" => arguments => Replacing.Translate(text, arguments[0], arguments.Budget),
        "maketrans" => Replacing.MakeTable,
        "expandtabs" => arguments => Replacing.ExpandTabs(text, arguments.GetInteger(0, "tabsize", 8), arguments.Budget),
        "encode" => arguments => Encode(text, arguments.GetText(0, "encoding", "utf-8")),
        "upper" => _ => Text.Upper(text),
        "lower" => _ => Text.Lower(text),
        "casefold" => _ => Text.Lower(text).Replace("ß", "ss"),
        "swapcase" => _ => string.Concat(text.Select(c => char.IsUpper(c) ? Text.Lower(c.ToString()) : Text.Upper(c.ToString()))),
        "title" => _ => Text.Title(text),
        "capitalize" => _ => Text.Capitalize(text),
        "join" => arguments => Join(text, arguments),
        "format" => arguments => BraceFormat.Apply(text, arguments.Positional, arguments.Named, arguments.Budget),
        "format_map" => arguments => arguments[0] is Dict fields
            ? BraceFormat.Apply(text, fields, arguments.Budget) : throw new JinjaError("format_map needs a mapping"),
        "find" => arguments => StringPlaces.Find(text, arguments, last: false),
        "rfind" => arguments => StringPlaces.Find(text, arguments, last: true),
        "index" => arguments => StringPlaces.Index(text, arguments, last: false),
        "rindex" => arguments => StringPlaces.Index(text, arguments, last: true),
        "count" => arguments => StringPlaces.Count(text, arguments),
        "zfill" => arguments => Padding.Zeros(text, arguments),
        "center" => arguments => Padding.Pad(text, arguments, left: 0.5),
        "ljust" => arguments => Padding.Pad(text, arguments, left: 0),
        "rjust" => arguments => Padding.Pad(text, arguments, left: 1),
        _ => null,
    };

    private static Func<Arguments, object?>? Questions(string text, string name)
    {
        Func<string, bool>? question = name switch
        {
            "isalnum" => CharacterKinds.IsAlphanumeric,
            "isalpha" => CharacterKinds.IsAlphabetic,
            "isascii" => text => text.All(char.IsAscii),
            "isdecimal" => CharacterKinds.IsDecimal,
            "isdigit" => CharacterKinds.IsDigit,
            "isidentifier" => CharacterKinds.IsIdentifier,
            "islower" => CharacterKinds.IsLower,
            "isnumeric" => CharacterKinds.IsNumeric,
            "isprintable" => CharacterKinds.IsPrintable,
            "isspace" => text => text.Length > 0 && text.All(Text.IsSpace),
            "istitle" => CharacterKinds.IsTitle,
            "isupper" => CharacterKinds.IsUpper,
            _ => null,
        };
        return question is null ? null : _ => question(text);
    }

    private static string Join(string separator, Arguments arguments)
    {
        var text = new TextBuilder(arguments.Budget);
        var items = arguments.Iterate(0);
        for (var i = 0; i < items.Count; i++)
        {
            if (i > 0) text.Append(separator);
            text.Append(items[i] is string part ? part
                : throw new JinjaError($"sequence item {i}: expected str instance, {Python.TypeName(items[i])} found"));
        }
        return text.ToString();
    }

    private static PythonBytes Encode(string text, string encoding) => encoding.ToLowerInvariant().Replace('_', '-') switch
    {
        "utf-8" or "utf8" => new PythonBytes(System.Text.Encoding.UTF8.GetBytes(text)),
        "ascii" when text.All(char.IsAscii) => new PythonBytes(System.Text.Encoding.ASCII.GetBytes(text)),
        "latin-1" or "latin1" or "iso-8859-1" when text.All(c => c <= 0xFF) => new PythonBytes(System.Text.Encoding.Latin1.GetBytes(text)),
        "ascii" or "latin-1" or "latin1" or "iso-8859-1" => throw new JinjaError($"'{encoding}' codec can't encode the text"),
        _ => throw JinjaError.Unsupported($"the encoding '{encoding}'"),
    };
}
