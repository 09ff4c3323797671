using System.Numerics;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>The methods of Python's dict, list and tuple that change nothing.</summary>
internal static class CollectionMethods
{
    public static Func<Arguments, object?>? Find(Dict dict, string name) => name switch
    {
        "get" => arguments => dict.TryGet(arguments.Require(0, "key"), out var value) ? value : arguments.Get(1, "default"),
        "keys" => _ => new DictView("dict_keys", dict.Keys, dict),
        "values" => _ => new DictView("dict_values", dict.Values, dict),
        "items" => _ => new DictView("dict_items", dict.Items, dict),
        "copy" => arguments => Copy(dict, arguments.Budget),
        "fromkeys" => FromKeys,
        _ => null,
    };

    public static Func<Arguments, object?>? Find(IReadOnlyList<object?> list, string name) => name switch
    {
        "index" => arguments => IndexOf(list, arguments),
        "count" => arguments => Count(list, arguments),
        "copy" when list is List<object?> => arguments => Listed(list, arguments.Budget),
        _ => null,
    };

    public static object? FromKeys(Arguments arguments)
    {
        var dict = new Dict(arguments.Budget);
        foreach (var key in arguments.Iterate(0)) dict[key] = arguments.Get(1, "value");
        return dict;
    }

    /// <summary>A list of its own.</summary>
    public static List<object?> Listed(IReadOnlyList<object?> items, Budget budget)
    {
        budget.AllocateItems(items.Count);
        return [.. items];
    }

    private static Dict Copy(Dict dict, Budget budget)
    {
        var copy = new Dict(budget);
        copy.Update(dict);
        return copy;
    }

    private static object? Count(IReadOnlyList<object?> list, Arguments arguments)
    {
        var count = 0;
        foreach (var item in list)
            if (Python.Same(item, arguments[0], arguments.Budget)) count++;
        return new BigInteger(count);
    }

    private static object? IndexOf(IReadOnlyList<object?> list, Arguments arguments)
    {
        var (start, stop) = (Bound(arguments.GetInteger(1, "start", 0)), Bound(arguments.GetInteger(2, "stop", list.Count)));
        for (var i = start; i < stop; i++)
            if (Python.Same(list[i], arguments[0], arguments.Budget)) return new BigInteger(i);
        throw new JinjaError($"{Repr.Of(arguments[0], arguments.Budget)} is not in list");

        int Bound(int index) => Math.Clamp(index < 0 ? index + list.Count : index, 0, list.Count);
    }
}
