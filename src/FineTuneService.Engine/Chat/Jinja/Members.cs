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

    public static object? Attribute(object? target, string name, Budget budget)
    {
        budget.Step();
        if (TryMember(target, name, out var member)) return member;
        if (target is Undefined undefined) throw undefined.Error();
        return TryKey(target, name, budget, out var value) ? value : Missing(target, name, budget);
    }

    public static object? Item(object? target, object? key, Budget budget)
    {
        budget.Step();
        if (target is Undefined undefined) throw undefined.Error();
        if (TryKey(target, key, budget, out var value)) return value;
        return key is string name && TryMember(target, name, out var member) ? member : Missing(target, key, budget);
    }

    /// <summary>The filter attr: attributes only, no keys.</summary>
    public static object? Only(object? target, string name, Budget budget)
    {
        budget.Step();
        if (TryMember(target, name, out var member)) return member;
        var isDunder = name.Length > 3 && name.StartsWith("__", StringComparison.Ordinal) && name.EndsWith("__", StringComparison.Ordinal);
        return target is Undefined undefined && !isDunder ? throw undefined.Error() : Missing(target, name, budget);
    }

    private static bool TryKey(object? target, object? key, Budget budget, out object? value)
    {
        value = null;
        switch (target)
        {
            case Dict dict: return key is not (List<object?> or Dict or DictView) && dict.TryGet(key, out value);
            case BlockNames blocks: return key is string name && blocks.TryFind(name, out value);
            case string or IReadOnlyList<object?> or PythonBytes when key is BigInteger or bool:
                return TryAt(target, Numbers.ToInteger(key), budget, out value);
            default: return false;
        }
    }

    private static bool TryAt(object target, BigInteger index, Budget budget, out object? value)
    {
        if (target is string text)
        {
            budget.Scan(text.Length);
            var isPlain = text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF') < 0;
            IReadOnlyList<object?>? characters = isPlain ? null : Text.Characters(text, budget);
            return TryAt(characters?.Count ?? text.Length, index, i => characters is null ? text[i].ToString() : characters[i], out value);
        }
        return target is PythonBytes bytes ? TryAt(bytes.Values.Length, index, i => new BigInteger(bytes.Values[i]), out value)
            : TryAt(((IReadOnlyList<object?>)target).Count, index, i => ((IReadOnlyList<object?>)target)[i], out value);
    }

    private static bool TryAt(int count, BigInteger index, Func<int, object?> at, out object? value)
    {
        var position = index.Sign < 0 ? index + count : index;
        var inside = position.Sign >= 0 && position < count;
        value = inside ? at((int)position) : null;
        return inside;
    }

    private static Undefined Missing(object? target, object? key, Budget budget)
    {
        var described = target is null ? "None" : $"{(target as TemplateObject)?.Module}{Python.TypeName(target)} object";
        return new(key is string name ? $"'{described}' has no attribute '{name}'" : $"{described} has no element {Repr.Of(key, budget)}");
    }

    private static bool TryMember(object? target, string name, out object? member)
    {
        member = null;
        if (name.StartsWith('_') || IsMutator(target, name))
        {
            if (name.StartsWith('_') && !PythonAttributes.Has(target, name)) return false;
            member = new Undefined($"access to attribute '{name}' of '{Python.TypeName(target)}' object is unsafe.");
            return true;
        }
        switch (target)
        {
            case TemplateObject own: return own.TryGet(name, out member);
            case PythonRange range when name is "start" or "stop" or "step":
                member = new BigInteger(name switch { "start" => range.Start, "stop" => range.Stop, _ => range.Step });
                return true;
            case bool or BigInteger or double when NumberMembers.TryGet(target, name, out member): return true;
        }
        var body = target switch
        {
            string text => StringMethods.Find(text, name),
            Dict dict => CollectionMethods.Find(dict, name),
            IReadOnlyList<object?> list => CollectionMethods.Find(list, name),
            PythonBytes bytes when name == "decode" => _ => System.Text.Encoding.UTF8.GetString(bytes.Values),
            Function { Name: "dict" } when name == "fromkeys" => CollectionMethods.FromKeys,
            _ => null,
        };
        member = body is null ? null : new Function(name, body);
        return body is not null;
    }

    private static bool IsMutator(object? target, string name) =>
        (target is List<object?> && ListMutators.Contains(name)) || (target is Dict && DictMutators.Contains(name));
}
