namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>Filters that compare items. Texts are compared without case unless asked otherwise, as in Jinja.</summary>
internal static class OrderFilters
{
    public static object? Sort(Arguments arguments)
    {
        var (reverse, caseSensitive) = (arguments.IsTrue(1, "reverse"), arguments.IsTrue(2, "case_sensitive"));
        object?[] attributes = arguments.Get(3, "attribute") is string several
            ? several.Split(',') : [arguments.Get(3, "attribute")];
        object? Key(object? item) =>
            attributes.Select(attribute => FoldCase(SequenceFilters.Pick(item, attribute), caseSensitive)).ToList();
        return Ordered(Python.Iterate(arguments[0]), Key, reverse);
    }

    public static object? DictSort(Arguments arguments)
    {
        if (arguments[0] is not Dict dict) throw new JinjaError("dictsort needs a mapping");
        var place = arguments.GetText(2, "by", "key") switch
        {
            "key" => 0,
            "value" => 1,
            _ => throw new JinjaError("You can only sort by either \"key\" or \"value\""),
        };
        var caseSensitive = arguments.IsTrue(1, "case_sensitive");
        return Ordered(dict.Items, item => FoldCase(((PythonTuple)item!)[place], caseSensitive), arguments.IsTrue(3, "reverse"));
    }

    public static object? Unique(Arguments arguments)
    {
        var caseSensitive = arguments.IsTrue(1, "case_sensitive");
        var seen = new Dict();
        var unique = new List<object?>();
        foreach (var item in Python.Iterate(arguments[0]))
        {
            var key = FoldCase(SequenceFilters.Pick(item, arguments.Get(2, "attribute")), caseSensitive);
            if (seen.Contains(key)) continue;
            seen[key] = true;
            unique.Add(item);
        }
        return new Generated(unique);
    }

    /// <param name="sign">1 for the largest, -1 for the smallest.</param>
    public static object? Extreme(Arguments arguments, int sign)
    {
        var caseSensitive = arguments.IsTrue(1, "case_sensitive");
        object? Key(object? item) => FoldCase(SequenceFilters.Pick(item, arguments.Get(2, "attribute")), caseSensitive);
        var items = Python.Iterate(arguments[0]);
        return items.Count == 0 ? new Undefined("No aggregated item, sequence was empty.")
            : items.Aggregate((best, item) => Python.Compare(Key(item), Key(best)) * sign > 0 ? item : best);
    }

    public static object? GroupBy(Arguments arguments)
    {
        var attribute = arguments.Require(1, "attribute");
        var caseSensitive = arguments.IsTrue(3, "case_sensitive");
        object? Value(object? item) => SequenceFilters.Pick(item, attribute, arguments.Get(2, "default"));
        var groups = new List<object?>();
        foreach (var item in Ordered(Python.Iterate(arguments[0]), item => FoldCase(Value(item), caseSensitive), reverse: false))
        {
            var value = Value(item);
            if (groups.LastOrDefault() is ItemGroup last
                && Python.Equal(FoldCase(last[0], caseSensitive), FoldCase(value, caseSensitive))) last.Members.Add(item);
            else groups.Add(new ItemGroup(value, [item]));
        }
        return groups;
    }

    /// <summary>A stable sort.</summary>
    public static List<T> Ordered<T>(IEnumerable<T> items, Func<T, object?> key, bool reverse)
    {
        var order = Comparer<object?>.Create((left, right) => Python.Compare(left, right));
        var keyed = items.Select(item => (Item: item, Key: key(item)));
        try
        {
            var ordered = reverse ? keyed.OrderByDescending(pair => pair.Key, order) : keyed.OrderBy(pair => pair.Key, order);
            return [.. ordered.Select(pair => pair.Item)];
        }
        catch (InvalidOperationException wrapped) when (wrapped.InnerException is JinjaError error)
        {
            throw new JinjaError(error.Message);
        }
    }

    private static object? FoldCase(object? value, bool caseSensitive) =>
        value is string text && !caseSensitive ? Text.Lower(text) : value;
}

/// <summary>One group of groupby: a pair, whose places are also called grouper and list.</summary>
internal sealed class ItemGroup(object? grouper, List<object?> members) : TemplateObject, IReadOnlyList<object?>
{
    public List<object?> Members => members;

    public int Count => 2;

    public object? this[int index] => index == 0 ? grouper : members;

    public IEnumerator<object?> GetEnumerator() => new[] { grouper, members }.AsEnumerable().GetEnumerator();

    System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();

    public override bool TryGet(string name, out object? value)
    {
        value = name == "grouper" ? grouper : name == "list" ? members : null;
        return name is "grouper" or "list";
    }
}
