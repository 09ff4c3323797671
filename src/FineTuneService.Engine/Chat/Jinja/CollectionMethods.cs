using System.Numerics;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>The methods of Python's dict, list and tuple that change nothing.</summary>
internal static class CollectionMethods
{
    public static Func<Arguments, object?>? Find(Dict dict, string name) => name switch
    {
        "get" => arguments => dict.TryGet(arguments.Require(0, "key"), out var value) ? value : arguments.Get(1, "default"),
        "keys" => _ => new DictView("dict_keys", dict.Keys),
        "values" => _ => new DictView("dict_values", dict.Values),
        "items" => _ => new DictView("dict_items", dict.Items),
        "copy" => _ => Copy(dict),
        "fromkeys" => FromKeys,
        _ => null,
    };

    public static Func<Arguments, object?>? Find(IReadOnlyList<object?> list, string name) => name switch
    {
        "index" => arguments => IndexOf(list, arguments[0]),
        "count" => arguments => new BigInteger(list.Count(item => Python.Equal(item, arguments[0]))),
        "copy" when list is List<object?> => _ => list.ToList(),
        _ => null,
    };

    public static object? FromKeys(Arguments arguments)
    {
        var dict = new Dict();
        foreach (var key in Python.Iterate(arguments[0])) dict[key] = arguments.Get(1, "value");
        return dict;
    }

    private static Dict Copy(Dict dict)
    {
        var copy = new Dict();
        copy.Update(dict);
        return copy;
    }

    private static object? IndexOf(IReadOnlyList<object?> list, object? value)
    {
        for (var i = 0; i < list.Count; i++)
            if (Python.Equal(list[i], value)) return new BigInteger(i);
        throw new JinjaError("the value is not in the list");
    }
}
