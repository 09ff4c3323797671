using System.Numerics;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>What Python does with a value whatever its type: truth, equality, length, iteration.</summary>
internal static class Python
{
    public static string TypeName(object? value) => value switch
    {
        null => "NoneType",
        bool => "bool",
        BigInteger => "int",
        double => "float",
        string => "str",
        List<object?> => "list",
        PythonTuple => "tuple",
        PythonRange => "range",
        Dict => "dict",
        DictView view => view.Name,
        Generated => "generator",
        Undefined => "Undefined",
        Function => "builtin_function_or_method",
        PythonBytes => "bytes",
        TemplateObject own => own.TypeName,
        _ => "object",
    };

    public static bool IsNumber(object? value) => value is bool or BigInteger or double;

    public static bool IsTrue(object? value) => value switch
    {
        null or Undefined => false,
        bool flag => flag,
        BigInteger integer => !integer.IsZero,
        double number => number != 0,
        string text => text.Length > 0,
        IReadOnlyList<object?> list => list.Count > 0,
        Dict dict => dict.Count > 0,
        DictView view => view.Items.Count > 0,
        PythonBytes bytes => bytes.Values.Length > 0,
        _ => true,
    };

    public static bool Equal(object? left, object? right, Budget budget)
    {
        budget.Step();
        budget.Enter();
        var equal = (left, right) switch
        {
            (string a, string b) => EqualTexts(a, b, budget),
            (Undefined, Undefined) => true,
            (List<object?> a, List<object?> b) => EqualItems(a, b, budget),
            (PythonTuple or ItemGroup, PythonTuple or ItemGroup) => EqualItems((IReadOnlyList<object?>)left, (IReadOnlyList<object?>)right, budget),
            (PythonRange a, PythonRange b) => EqualItems(a, b, budget),
            (PythonBytes a, PythonBytes b) => a.Values.AsSpan().SequenceEqual(b.Values),
            (Dict a, Dict b) => a.Count == b.Count
                && a.All(item => b.TryGet(item.Key, out var other) && Same(item.Value, other, budget)),
            _ when IsNumber(left) && IsNumber(right) => Numbers.Compare(left, right) == 0,
            _ => ReferenceEquals(left, right),
        };
        budget.Leave();
        return equal;
    }

    /// <summary>What a list asks of its items: the same object is equal, even where it is not equal to itself.</summary>
    public static bool Same(object? left, object? right, Budget budget) => ReferenceEquals(left, right) || Equal(left, right, budget);

    private static bool EqualTexts(string left, string right, Budget budget)
    {
        if (left.Length != right.Length) return false;
        budget.Scan(left.Length);
        return left == right;
    }

    private static bool EqualItems(IReadOnlyList<object?> left, IReadOnlyList<object?> right, Budget budget)
    {
        if (left.Count != right.Count) return false;
        for (var i = 0; i < left.Count; i++)
            if (!Same(left[i], right[i], budget)) return false;
        return true;
    }

    public static int Length(object? value, Budget budget)
    {
        if (value is not string text)
        {
            return value switch
            {
                IReadOnlyList<object?> list => list.Count,
                Dict dict => dict.Count,
                DictView view => view.Items.Count,
                Undefined => 0,
                PythonBytes bytes => bytes.Values.Length,
                LoopContext loop => loop.Length,
                _ => throw new JinjaError($"object of type '{TypeName(value)}' has no len()"),
            };
        }
        budget.Scan(text.Length);
        return Text.Length(text);
    }

    public static bool IsIterable(object? value) =>
        value is string or IReadOnlyList<object?> or Dict or DictView or Generated or Undefined or PythonBytes or LoopContext;

    /// <summary>The items in order: a text's characters, a dict's keys, nothing of an undefined value.</summary>
    public static IReadOnlyList<object?> Iterate(object? value, Budget budget)
    {
        budget.Step();
        switch (value)
        {
            case string text: return Text.Characters(text, budget);
            case IReadOnlyList<object?> list: return list;
            case Dict dict: return dict.Keys;
            case DictView view: return view.Items;
            case Generated generated: return generated.Take();
            case Undefined: return [];
            case PythonBytes bytes:
                budget.AllocateItems(bytes.Values.Length);
                return [.. bytes.Values.Select(one => (object?)new BigInteger(one))];
            case LoopContext loop: return loop.Rest();
            default: throw new JinjaError($"'{TypeName(value)}' object is not iterable");
        }
    }

    public static bool Contains(object? container, object? item, Budget budget)
    {
        switch (container)
        {
            case string text:
                return item is string part ? TextSearch.IndexOf(text, part, 0, budget) >= 0
                    : throw new JinjaError($"'in <string>' requires string as left operand, not {TypeName(item)}");
            case Dict dict: return dict.Contains(item);
            case PythonRange range when item is BigInteger integer:
                return range.Has(integer);
            case DictView { Source: { } source, Name: "dict_keys" }: return source.Contains(item);
        }
        if (!IsIterable(container)) throw new JinjaError($"argument of type '{TypeName(container)}' is not iterable");
        foreach (var other in Iterate(container, budget))
            if (Same(other, item, budget)) return true;
        return false;
    }
}
