using System.Numerics;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>What Python does with a value whatever its type: truth, equality, order, length, iteration.</summary>
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
        _ => value.GetType().Name,
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
        _ => true,
    };

    public static bool Equal(object? left, object? right)
    {
        Budget.CheckDepth();
        return (left, right) switch
        {
            (string a, string b) => a == b,
            (Undefined, Undefined) => true,
            (List<object?> a, List<object?> b) => EqualItems(a, b),
            (PythonTuple a, PythonTuple b) => EqualItems(a, b),
            (PythonRange a, PythonRange b) => EqualItems(a, b),
            (Dict a, Dict b) => a.Count == b.Count
                && a.All(item => b.TryGet(item.Key, out var other) && Equal(item.Value, other)),
            (double.NaN, _) or (_, double.NaN) => false,
            _ when IsNumber(left) && IsNumber(right) => CompareNumbers(left, right) == 0,
            _ => ReferenceEquals(left, right),
        };
    }

    private static bool EqualItems(IReadOnlyList<object?> left, IReadOnlyList<object?> right)
    {
        if (left.Count != right.Count) return false;
        for (var i = 0; i < left.Count; i++)
            if (!Equal(left[i], right[i])) return false;
        return true;
    }

    /// <summary>Negative, zero or positive, as <c>left &lt; right</c>, equal, <c>left &gt; right</c>.</summary>
    /// <param name="sign">The operator, for the error where the two have no order.</param>
    public static int Compare(object? left, object? right, string sign = "<")
    {
        if (left is string a && right is string b) return CompareCodePoints(a, b);
        if (IsNumber(left) && IsNumber(right)) return CompareNumbers(left, right);
        if ((left, right) is (List<object?>, List<object?>) or (PythonTuple, PythonTuple))
        {
            var (first, second) = ((IReadOnlyList<object?>)left!, (IReadOnlyList<object?>)right!);
            for (var i = 0; i < Math.Min(first.Count, second.Count); i++)
                if (!Equal(first[i], second[i])) return Compare(first[i], second[i], sign);
            return first.Count - second.Count;
        }
        throw (left as Undefined ?? right as Undefined)?.Error()
            ?? new JinjaError($"'{sign}' not supported between instances of '{TypeName(left)}' and '{TypeName(right)}'");
    }

    private static int CompareNumbers(object? left, object? right) => left is double || right is double
        ? Arithmetic.ToDouble(left).CompareTo(Arithmetic.ToDouble(right))
        : Arithmetic.ToInteger(left).CompareTo(Arithmetic.ToInteger(right));

    /// <summary>UTF-16 puts surrogates before U+E000…U+FFFF; code points do not.</summary>
    private static int CompareCodePoints(string left, string right)
    {
        for (var i = 0; i < Math.Min(left.Length, right.Length); i++)
        {
            if (left[i] == right[i]) continue;
            var order = char.IsSurrogate(left[i]).CompareTo(char.IsSurrogate(right[i]));
            return order != 0 ? order : left[i] - right[i];
        }
        return left.Length - right.Length;
    }

    public static int Length(object? value) => value switch
    {
        string text => Text.Length(text),
        IReadOnlyList<object?> list => list.Count,
        Dict dict => dict.Count,
        DictView view => view.Items.Count,
        Undefined => 0,
        _ => throw new JinjaError($"object of type '{TypeName(value)}' has no len()"),
    };

    public static bool IsIterable(object? value) =>
        value is string or IReadOnlyList<object?> or Dict or DictView or Generated or Undefined;

    /// <summary>The items in order: a text's characters, a dict's keys, nothing of an undefined value.</summary>
    public static IReadOnlyList<object?> Iterate(object? value) => value switch
    {
        string text => Text.Characters(text),
        IReadOnlyList<object?> list => list,
        Dict dict => dict.Keys,
        DictView view => view.Items,
        Generated generated => generated.Items,
        Undefined => [],
        _ => throw new JinjaError($"'{TypeName(value)}' object is not iterable"),
    };

    public static bool Contains(object? container, object? item) => container switch
    {
        string text => item is string part ? text.Contains(part, StringComparison.Ordinal)
            : throw new JinjaError($"'in <string>' requires string as left operand, not {TypeName(item)}"),
        Dict dict => dict.Contains(item),
        _ when IsIterable(container) => Iterate(container).Any(other => Equal(other, item)),
        _ => throw new JinjaError($"argument of type '{TypeName(container)}' is not iterable"),
    };
}
