using System.Globalization;
using System.Numerics;
using System.Text;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>Filters over the items of a list, dict or text.</summary>
internal static class SequenceFilters
{
    public static object? Join(Arguments arguments)
    {
        var separator = arguments.GetText(1, "d", "");
        var text = new StringBuilder();
        foreach (var item in Python.Iterate(arguments[0]))
        {
            var part = arguments.Str(Pick(item, arguments.Get(2, "attribute")));
            arguments.Budget.Allocate(part.Length + (double)separator.Length);
            if (text.Length + (double)part.Length + separator.Length > Budget.MaxText) arguments.Budget.Allocate(double.MaxValue);
            text.Append(part).Append(separator);
        }
        if (text.Length > 0) text.Length -= separator.Length;
        return text.ToString();
    }

    public static object? Map(Arguments arguments)
    {
        var items = Items(arguments[0]);
        if (arguments.Positional.Count < 2)
        {
            var attribute = arguments.Require(1, "attribute");
            var standard = arguments.Named.GetValueOrDefault("default");
            return new Generated(items.Select(item => Pick(item, attribute, standard)).ToList());
        }
        var name = arguments.RequireText(1, "name");
        var filter = Filters.Find(name);
        object? Filtered(object? item) => Markup.Plain(filter(arguments.With(name, item, skip: 2)));
        return new Generated(items.Select(item => Stepped(arguments, Filtered(item))).ToList());
    }

    public static object? Select(Arguments arguments, bool byAttribute, bool keep)
    {
        var fixedArguments = byAttribute ? 2 : 1;
        var attribute = byAttribute ? arguments.Require(1, "attribute") : null;
        var name = arguments.Positional.Count > fixedArguments ? arguments.RequireText(fixedArguments, "name") : null;
        bool Holds(object? value) =>
            name is null ? Python.IsTrue(value) : Tests.Find(name)(arguments.With(name, value, fixedArguments + 1));
        var kept = Items(arguments[0]).Where(item => Stepped(arguments, Holds(Pick(item, attribute))) == keep);
        return new Generated(kept.ToList());
    }

    /// <summary>Jinja's map and select take whatever is not true, such as none, for empty.</summary>
    private static IReadOnlyList<object?> Items(object? value) => Python.IsTrue(value) ? Python.Iterate(value) : [];

    public static object? Reverse(Arguments arguments) =>
        arguments[0] is string text ? string.Concat(Text.Characters(text).AsEnumerable().Reverse())
        : new Generated(Python.Iterate(arguments[0]).Reverse().ToList());

    public static object? Sum(Arguments arguments) =>
        Python.Iterate(arguments[0]).Aggregate(arguments.Get(2, "start", BigInteger.Zero),
        (sum, item) => Arithmetic.Apply("+", sum, Pick(item, arguments.Get(1, "attribute")), arguments.Budget));

    public static object? Batch(Arguments arguments)
    {
        var size = arguments.GetInteger(1, "linecount", 0);
        if (size < 1) throw new JinjaError("batch needs a size of at least 1");
        var batches = Python.Iterate(arguments[0]).Chunk(size).Select(batch => batch.ToList()).ToList();
        if (arguments.Get(2, "fill_with") is { } fill && batches.Count > 0)
        {
            arguments.Budget.Allocate(size);
            batches[^1].AddRange(Enumerable.Repeat(fill, size - batches[^1].Count));
        }
        return new Generated(batches);
    }

    /// <summary>Cuts into so many lists that the first ones are the longer ones.</summary>
    public static object? Slice(Arguments arguments)
    {
        var count = arguments.GetInteger(1, "slices", 0);
        if (count < 1) throw new JinjaError("slice needs at least 1 slice");
        arguments.Budget.Allocate(count);
        var items = Python.Iterate(arguments[0]);
        var slices = new List<object?>();
        for (var (i, from) = (0, 0); i < count; i++)
        {
            var length = items.Count / count + (i < items.Count % count ? 1 : 0);
            var slice = items.Skip(from).Take(length).ToList();
            if (arguments.Get(2, "fill_with") is { } fill && i >= items.Count % count && items.Count % count > 0) slice.Add(fill);
            slices.Add(slice);
            from += length;
        }
        return new Generated(slices);
    }

    /// <summary>
    /// The value at <paramref name="attribute"/>, such as <c>a.b</c> or <c>0</c>; the item itself where it is null.
    /// </summary>
    public static object? Pick(object? item, object? attribute, object? standard = null)
    {
        if (attribute is null) return item;
        object[] parts = attribute is string path ? path.Split('.') : [attribute];
        foreach (var part in parts)
        {
            item = Members.Item(item, BigInteger.TryParse(part as string, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
                ? index : part);
            if (item is Undefined && standard is not null) item = standard;
        }
        return item;
    }

    private static T Stepped<T>(Arguments arguments, T value)
    {
        arguments.Budget.Step();
        return value;
    }
}
