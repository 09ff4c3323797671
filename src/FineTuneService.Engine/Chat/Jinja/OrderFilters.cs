namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>Filters that compare items. Texts are compared without case unless asked otherwise, as in Jinja.</summary>
internal static class OrderFilters
{
    public static object? Sort(Arguments arguments)
    {
        var (reverse, caseSensitive) = (arguments.IsTrue(1, "reverse"), arguments.IsTrue(2, "case_sensitive"));
        object?[] attributes = arguments.Get(3, "attribute") is string several
            ? several.Split(',') : [arguments.Get(3, "attribute")];
        object? Key(object? item)
        {
            arguments.Budget.AllocateItems(attributes.Length);
            return attributes.Select(attribute => FoldCase(SequenceFilters.Pick(item, attribute, arguments.Budget), caseSensitive, arguments.Budget)).ToList();
        }
        return Ordered(arguments.Iterate(0), Key, reverse, arguments.Budget);
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
        return Ordered(dict.Items, item => FoldCase(((PythonTuple)item!)[place], caseSensitive, arguments.Budget), arguments.IsTrue(3, "reverse"), arguments.Budget);
    }

    public static object? Unique(Arguments arguments)
    {
        var caseSensitive = arguments.IsTrue(1, "case_sensitive");
        var seen = new Dict(arguments.Budget);
        var unique = new List<object?>();
        foreach (var item in arguments.Iterate(0))
        {
            var key = FoldCase(SequenceFilters.Pick(item, arguments.Get(2, "attribute"), arguments.Budget), caseSensitive, arguments.Budget);
            if (seen.Contains(key)) continue;
            seen[key] = true;
            unique.Add(item);
        }
        return new Generated(unique);
    }

    /// <param name="sign">The order that a better item has to the best so far.</param>
    public static object? Extreme(Arguments arguments, string sign)
    {
        var caseSensitive = arguments.IsTrue(1, "case_sensitive");
        object? best = new Undefined("No aggregated item, sequence was empty.");
        object? bestKey = null;
        var any = false;
        foreach (var item in arguments.Iterate(0))
        {
            var key = FoldCase(SequenceFilters.Pick(item, arguments.Get(2, "attribute"), arguments.Budget), caseSensitive, arguments.Budget);
            if (!any || Ordering.Holds(sign, key, bestKey, arguments.Budget)) (best, bestKey) = (item, key);
            any = true;
        }
        return best;
    }

    public static object? GroupBy(Arguments arguments)
    {
        var attribute = arguments.Require(1, "attribute");
        var caseSensitive = arguments.IsTrue(3, "case_sensitive");
        object? Value(object? item) => SequenceFilters.Pick(item, attribute, arguments.Budget, arguments.Get(2, "default"));
        object? Key(object? item) => FoldCase(Value(item), caseSensitive, arguments.Budget);
        var groups = new List<object?>();
        object? lastKey = null;
        foreach (var item in Ordered(arguments.Iterate(0), Key, reverse: false, arguments.Budget))
        {
            var key = Key(item);
            if (groups.Count > 0 && Python.Equal(lastKey, key, arguments.Budget)) ((ItemGroup)groups[^1]!).Members.Add(item);
            else groups.Add(new ItemGroup(Value(item), [item]));
            lastKey = key;
        }
        return groups;
    }

    /// <summary>A stable sort.</summary>
    public static List<T> Ordered<T>(IReadOnlyList<T> items, Func<T, object?> key, bool reverse, Budget budget)
    {
        budget.AllocateItems(3.0 * items.Count);
        var order = Comparer<object?>.Create((left, right) => Ordering.Compare(left, right, budget) ?? 0);
        var keyed = items.Select(item => (Item: item, Key: key(item))).ToList();
        try
        {
            var ordered = reverse ? keyed.OrderByDescending(pair => pair.Key, order) : keyed.OrderBy(pair => pair.Key, order);
            return [.. ordered.Select(pair => pair.Item)];
        }
        catch (InvalidOperationException wrapped) when (wrapped.InnerException is JinjaError error)
        {
            throw new JinjaError(error.Message, error.Feature);
        }
    }

    private static object? FoldCase(object? value, bool caseSensitive, Budget budget)
    {
        if (value is not string text || caseSensitive) return value;
        budget.Scan(text.Length);
        return Text.Lower(text);
    }
}

/// <summary>One group of groupby: a pair, whose places are also called grouper and list.</summary>
internal sealed class ItemGroup(object? grouper, List<object?> members) : TemplateObject, IReadOnlyList<object?>
{
    public override string TypeName => "_GroupTuple";

    public override string Module => "jinja2.filters.";

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
