namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>Python's order of values.</summary>
internal static class Ordering
{
    /// <summary>Negative, zero or positive, as <c>left &lt; right</c>, equal, <c>left &gt; right</c>; null where neither is true, as of
    /// a number that is none.</summary>
    /// <param name="sign">The operator, for the error where the two have no order.</param>
    public static int? Compare(object? left, object? right, Budget budget, string sign = "<")
    {
        budget.Step();
        if (left is string a && right is string b) return CompareCodePoints(a, b, budget);
        if (Python.IsNumber(left) && Python.IsNumber(right)) return Numbers.Compare(left, right);
        if ((left, right) is (List<object?>, List<object?>) or (PythonTuple or ItemGroup, PythonTuple or ItemGroup))
            return CompareItems((IReadOnlyList<object?>)left!, (IReadOnlyList<object?>)right!, budget, sign);
        throw (left as Undefined ?? right as Undefined)?.Error()
            ?? new JinjaError($"'{sign}' not supported between instances of '{Python.TypeName(left)}' and '{Python.TypeName(right)}'");
    }

    /// <summary>Whether a comparison holds.</summary>
    public static bool Holds(string sign, object? left, object? right, Budget budget) => Compare(left, right, budget, sign) is { } order && sign switch
    {
        "<" => order < 0,
        "<=" => order <= 0,
        ">" => order > 0,
        _ => order >= 0,
    };

    private static int? CompareItems(IReadOnlyList<object?> left, IReadOnlyList<object?> right, Budget budget, string sign)
    {
        budget.Enter();
        int? order = left.Count - right.Count;
        for (var i = 0; i < Math.Min(left.Count, right.Count); i++)
        {
            if (Python.Same(left[i], right[i], budget)) continue;
            order = Compare(left[i], right[i], budget, sign);
            break;
        }
        budget.Leave();
        return order;
    }

    /// <summary>UTF-16 puts surrogates before U+E000…U+FFFF; code points do not.</summary>
    private static int CompareCodePoints(string left, string right, Budget budget)
    {
        var common = left.AsSpan().CommonPrefixLength(right);
        budget.Scan(common);
        if (common == Math.Min(left.Length, right.Length)) return left.Length - right.Length;
        var order = char.IsSurrogate(left[common]).CompareTo(char.IsSurrogate(right[common]));
        return order != 0 ? order : left[common] - right[common];
    }
}
