using System.Globalization;
using System.Numerics;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>Filters over the items of a list, dict or text.</summary>
internal static class SequenceFilters
{
    public static object? Join(Arguments arguments)
    {
        var separator = arguments.Str(arguments.Get(1, "d", ""));
        var text = new TextBuilder(arguments.Budget);
        var first = true;
        foreach (var item in arguments.Iterate(0))
        {
            if (!first) text.Append(separator);
            first = false;
            text.Append(arguments.Str(Pick(item, arguments.Get(2, "attribute"), arguments.Budget)));
        }
        return text.ToString();
    }

    public static object? Map(Arguments arguments)
    {
        var items = Items(arguments);
        var mapped = new List<object?>(items.Count);
        if (arguments.Positional.Count < 2)
        {
            var attribute = arguments.Named.ContainsKey("attribute") ? arguments.Named["attribute"] : throw new JinjaError("map requires a filter argument");
            if (arguments.Named.Keys.FirstOrDefault(name => name is not ("attribute" or "default")) is { } other)
                throw new JinjaError($"Unexpected keyword argument '{other}'");
            var standard = arguments.Named.GetValueOrDefault("default");
            foreach (var item in items) mapped.Add(Pick(item, attribute, arguments.Budget, standard));
            return new Generated(mapped);
        }
        var name = arguments.RequireText(1, "name");
        foreach (var item in items) mapped.Add(Markup.Plain(Filters.Apply(name, arguments.With(name, item, skip: 2))));
        return new Generated(mapped);
    }

    public static object? Select(Arguments arguments, bool byAttribute, bool keep)
    {
        var fixedArguments = byAttribute ? 2 : 1;
        var attribute = byAttribute ? arguments.Require(1, "attribute") : null;
        var name = arguments.Positional.Count > fixedArguments ? arguments.RequireText(fixedArguments, "name") : null;
        var kept = new List<object?>();
        foreach (var item in Items(arguments))
        {
            arguments.Budget.Step();
            var value = Pick(item, attribute, arguments.Budget);
            var holds = name is null ? Python.IsTrue(value) : Tests.Apply(name, arguments.With(name, value, fixedArguments + 1));
            if (holds == keep) kept.Add(item);
        }
        return new Generated(kept);
    }

    /// <summary>Jinja's map and select take whatever is not true, such as none, for empty.</summary>
    private static IReadOnlyList<object?> Items(Arguments arguments)
    {
        if (!Python.IsTrue(arguments[0])) return [];
        var items = arguments.Iterate(0);
        arguments.Budget.AllocateItems(items.Count);
        return items;
    }

    public static object? Reverse(Arguments arguments)
    {
        var items = CollectionMethods.Listed(arguments.Iterate(0), arguments.Budget);
        items.Reverse();
        return arguments[0] is string ? string.Concat(items) : new Generated(items);
    }

    public static object? Sum(Arguments arguments)
    {
        var sum = arguments.Get(2, "start", BigInteger.Zero);
        foreach (var item in arguments.Iterate(0))
            sum = Arithmetic.Apply("+", sum, Pick(item, arguments.Get(1, "attribute"), arguments.Budget), arguments.Budget);
        return sum;
    }

    public static object? Batch(Arguments arguments)
    {
        var size = arguments.GetInteger(1, "linecount", 0);
        var items = arguments.Iterate(0);
        arguments.Budget.AllocateItems(2.0 * items.Count);
        // Jinja compares the length of a batch with the size, which none reaches where it is not positive.
        var batches = size < 1 ? [[.. items]] : items.Chunk(size).Select(batch => batch.ToList()).ToList();
        if (size == 0) batches.Insert(0, []);
        if (items.Count == 0) batches.Clear();
        if (arguments.Get(2, "fill_with") is { } fill && batches.Count > 0 && batches[^1].Count < size)
        {
            arguments.Budget.AllocateItems(size);
            batches[^1].AddRange(Enumerable.Repeat<object?>(fill, size - batches[^1].Count));
        }
        return new Generated([.. batches]);
    }

    /// <summary>Cuts into so many lists that the first ones are the longer ones.</summary>
    public static object? Slice(Arguments arguments)
    {
        var count = arguments.GetInteger(1, "slices", 0);
        if (count == 0) throw new JinjaError("integer division or modulo by zero");
        var items = arguments.Iterate(0);
        arguments.Budget.AllocateItems((4.0 * Math.Max(0, count)) + items.Count);
        var slices = new List<object?>();
        for (var (i, from) = (0, 0); i < count; i++)
        {
            var length = (items.Count / count) + (i < items.Count % count ? 1 : 0);
            var slice = new List<object?>(length + 1);
            for (var at = from; at < from + length; at++) slice.Add(items[at]);
            if (arguments.Get(2, "fill_with") is { } fill && i >= items.Count % count) slice.Add(fill);
            slices.Add(slice);
            from += length;
        }
        return new Generated(slices);
    }

    /// <summary>
    /// The value at <paramref name="attribute"/>, such as <c>a.b</c> or <c>0</c>; the item itself where it is null.
    /// </summary>
    public static object? Pick(object? item, object? attribute, Budget budget, object? standard = null)
    {
        if (attribute is null) return item;
        if (attribute is not string path) return OrStandard(Members.Item(item, attribute, budget), standard);
        budget.Scan(path.Length);
        foreach (var part in path.Split('.'))
            item = OrStandard(Members.Item(item, IsIndex(part) ? BigInteger.Parse(part, CultureInfo.InvariantCulture) : part, budget), standard);
        return item;
    }

    private static bool IsIndex(string part) => part.Length is > 0 and < 20 && part.All(char.IsAsciiDigit);

    private static object? OrStandard(object? value, object? standard) => value is Undefined && standard is not null ? standard : value;
}
