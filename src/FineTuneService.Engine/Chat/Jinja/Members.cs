using System.Numerics;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>
/// <c>x.name</c> looks for a method first and a key second, <c>x['name']</c> the other way round; where neither is, the value is
/// undefined. There is no reflection: the methods are those of a table, and what would change a list or dict is not in it.
/// </summary>
internal static class Members
{
    private static readonly string[] ListMutators = ["append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"];
    private static readonly string[] DictMutators = ["clear", "pop", "popitem", "setdefault", "update"];

    public static object? Attribute(object? target, string name)
    {
        if (target is Undefined undefined) throw undefined.Error();
        if (TryMember(target, name, out var member)) return member;
        return target is Dict dict && dict.TryGet(name, out var value) ? value : Missing(target, name);
    }

    public static object? Item(object? target, object? key)
    {
        if (target is Undefined undefined) throw undefined.Error();
        if (target is Dict dict && key is not (List<object?> or Dict) && dict.TryGet(key, out var value)) return value;
        if (key is BigInteger or bool && target is string or IReadOnlyList<object?>) return At(target, Arithmetic.ToInteger(key));
        return key is string name && TryMember(target, name, out var member) ? member : Missing(target, key);
    }

    private static object? At(object target, BigInteger index)
    {
        var items = target is string text ? Text.Characters(text) : (IReadOnlyList<object?>)target;
        var position = index.Sign < 0 ? index + items.Count : index;
        return position.Sign >= 0 && position < items.Count ? items[(int)position]
            : new Undefined($"{Python.TypeName(target)} object has no element {index}");
    }

    private static Undefined Missing(object? target, object? key) => new(key is string name
        ? $"'{Described(target)}' has no attribute '{name}'" : $"{Described(target)} has no element {key}");

    private static string Described(object? target) => target is null ? "None" : $"{Python.TypeName(target)} object";

    private static bool TryMember(object? target, string name, out object? member)
    {
        if (name.StartsWith("__", StringComparison.Ordinal) || IsMutator(target, name))
        {
            member = new Undefined($"access to attribute '{name}' of '{Python.TypeName(target)}' object is unsafe.");
            return target is not Dict dict || !dict.Contains(name);
        }
        if (target is TemplateObject own) return own.TryGet(name, out member);
        var body = target switch
        {
            string text => StringMethods.Find(text, name),
            Dict dict => CollectionMethods.Find(dict, name),
            IReadOnlyList<object?> list => CollectionMethods.Find(list, name),
            Function { Name: "dict" } when name == "fromkeys" => CollectionMethods.FromKeys,
            _ => null,
        };
        member = body is null ? null : new Function(name, body);
        return body is not null;
    }

    private static bool IsMutator(object? target, string name) =>
        (target is List<object?> && ListMutators.Contains(name)) || (target is Dict && DictMutators.Contains(name));
}
