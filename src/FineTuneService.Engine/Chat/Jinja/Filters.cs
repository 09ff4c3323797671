namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>Jinja's filters by name. The filtered value is the first argument.</summary>
internal static class Filters
{
    /// <exception cref="JinjaError">There is none of that name.</exception>
    public static Func<Arguments, object?> Find(string name)
    {
        if (NotBuilt.Contains(name)) throw JinjaError.Unsupported($"the filter '{name}'");
        return All.TryGetValue(name, out var filter) ? filter : throw new JinjaError($"No filter named '{name}'.");
    }

    public static bool Exists(string name) => All.ContainsKey(name);

    /// <summary>Calls the filter, and lets its input's length count.</summary>
    /// <exception cref="JinjaError">There is none of that name, or it fails.</exception>
    public static object? Apply(string name, Arguments arguments)
    {
        var filter = Find(name);
        arguments.Budget.Step();
        foreach (var value in arguments.Positional)
            if (value is string text) arguments.Budget.Scan(text.Length);
        return filter(arguments);
    }

    private static readonly string[] NotBuilt = ["pprint", "urlize"];

    private static readonly Dictionary<string, Func<Arguments, object?>> All = new()
    {
        ["abs"] = NumberFilters.Abs,
        ["attr"] = arguments => Members.Only(arguments[0], arguments.RequireText(1, "name"), arguments.Budget),
        ["batch"] = SequenceFilters.Batch,
        ["capitalize"] = arguments => Text.Capitalize(arguments.Str(arguments[0])),
        ["center"] = TextFilters.Center,
        ["count"] = arguments => new System.Numerics.BigInteger(Python.Length(arguments[0], arguments.Budget)),
        ["d"] = Default,
        ["default"] = Default,
        ["dictsort"] = OrderFilters.DictSort,
        ["e"] = arguments => Markup.Escape(arguments[0], arguments.Budget),
        ["escape"] = arguments => Markup.Escape(arguments[0], arguments.Budget),
        ["filesizeformat"] = TextFilters.FileSize,
        ["first"] = arguments => arguments.Iterate(0) is [var first, ..]
            ? first : new Undefined("No first item, sequence was empty."),
        ["float"] = NumberFilters.Float,
        ["forceescape"] = arguments => Markup.Escape(arguments.Str(arguments[0]), arguments.Budget),
        ["format"] = TextFilters.Format,
        ["groupby"] = OrderFilters.GroupBy,
        ["indent"] = TextFilters.Indent,
        ["int"] = NumberFilters.Int,
        ["items"] = Items,
        ["join"] = SequenceFilters.Join,
        ["last"] = arguments => arguments.Iterate(0) is [.., var last]
            ? last : new Undefined("No last item, sequence was empty."),
        ["length"] = arguments => new System.Numerics.BigInteger(Python.Length(arguments[0], arguments.Budget)),
        ["list"] = arguments => CollectionMethods.Listed(arguments.Iterate(0), arguments.Budget),
        ["lower"] = arguments => Text.Lower(arguments.Str(arguments[0])),
        ["map"] = SequenceFilters.Map,
        ["max"] = arguments => OrderFilters.Extreme(arguments, ">"),
        ["min"] = arguments => OrderFilters.Extreme(arguments, "<"),
        ["random"] = arguments => arguments.Iterate(0) is { Count: > 0 } items
            ? items[Random.Shared.Next(items.Count)] : new Undefined("No random item, sequence was empty."),
        ["reject"] = arguments => SequenceFilters.Select(arguments, byAttribute: false, keep: false),
        ["rejectattr"] = arguments => SequenceFilters.Select(arguments, byAttribute: true, keep: false),
        ["replace"] = TextFilters.Replace,
        ["reverse"] = SequenceFilters.Reverse,
        ["round"] = NumberFilters.Round,
        ["safe"] = arguments => new Markup(arguments.Str(arguments[0])),
        ["select"] = arguments => SequenceFilters.Select(arguments, byAttribute: false, keep: true),
        ["selectattr"] = arguments => SequenceFilters.Select(arguments, byAttribute: true, keep: true),
        ["slice"] = SequenceFilters.Slice,
        ["sort"] = OrderFilters.Sort,
        ["string"] = arguments => arguments.Str(arguments[0]),
        ["striptags"] = WebFilters.StripTags,
        ["sum"] = SequenceFilters.Sum,
        ["title"] = TextFilters.Title,
        ["tojson"] = JsonText.Filter,
        ["trim"] = arguments =>
            Stripping.Strip(arguments.Str(arguments[0]), arguments.Get(1, "chars"), left: true, right: true),
        ["truncate"] = TextFilters.Truncate,
        ["unique"] = OrderFilters.Unique,
        ["upper"] = arguments => Text.Upper(arguments.Str(arguments[0])),
        ["urlencode"] = WebFilters.UrlEncode,
        ["wordcount"] = TextFilters.WordCount,
        ["wordwrap"] = WordWrap.Filter,
        ["xmlattr"] = WebFilters.XmlAttributes,
    };

    private static object? Default(Arguments arguments)
    {
        var value = arguments[0];
        var missing = value is Undefined || (arguments.IsTrue(2, "boolean") && !Python.IsTrue(value));
        return missing ? arguments.Get(1, "default_value", "") : value;
    }

    private static object? Items(Arguments arguments) => arguments[0] switch
    {
        Undefined => new Generated([]),
        Dict dict => new Generated(dict.Items),
        _ => throw new JinjaError("Can only get item pairs from a mapping."),
    };
}
