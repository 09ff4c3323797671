using System.Numerics;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>The methods of Python's str that look for a part, from a start to an end where these are given.</summary>
internal static class StringPlaces
{
    public static object? Find(string text, Arguments arguments, bool last) => new BigInteger(Place(text, arguments, last));

    public static object? Index(string text, Arguments arguments, bool last) =>
        Place(text, arguments, last) is >= 0 and var at ? new BigInteger(at) : throw new JinjaError("substring not found");

    public static object? Count(string text, Arguments arguments)
    {
        var (part, inside, _, isEmpty) = Narrowed(text, arguments);
        if (isEmpty) return BigInteger.Zero;
        return new BigInteger(part.Length == 0 ? Text.Length(inside) + 1 : TextSearch.All(inside, part, arguments.Budget).Count());
    }

    /// <summary>The argument is an affix or a tuple of them.</summary>
    public static bool HasAffix(string text, Arguments arguments, Func<string, string, bool> has)
    {
        var several = arguments[0] as PythonTuple ?? new PythonTuple([arguments.RequireText(0, "prefix")]);
        var (_, inside, _, isEmpty) = Narrowed(text, arguments with { Positional = ["", .. arguments.Positional.Skip(1)] });
        foreach (var affix in several)
        {
            if (affix is not string one) throw new JinjaError($"tuple for startswith must only contain str, not {Python.TypeName(affix)}");
            arguments.Budget.Scan(one.Length + 32);
            if (!isEmpty && has(inside, one)) return true;
        }
        return false;
    }

    private static int Place(string text, Arguments arguments, bool last)
    {
        var (part, inside, start, isEmpty) = Narrowed(text, arguments);
        if (isEmpty) return -1;
        var at = last ? TextSearch.LastIndexOf(inside, part, inside.Length, arguments.Budget) : TextSearch.IndexOf(inside, part, 0, arguments.Budget);
        return at < 0 ? -1 : start + Text.Length(inside[..at]);
    }

    /// <summary>The part that is looked for, where, and the code points before that. A start behind the end finds nothing, not even "".</summary>
    private static (string Part, string Inside, int Start, bool IsEmpty) Narrowed(string text, Arguments arguments)
    {
        var part = arguments.RequireText(0, "sub");
        if (arguments.Positional.Count < 2) return (part, text, 0, false);
        var length = Text.Length(text);
        var start = arguments.Get(1, "start") is { } first ? Clamp(Numbers.ToIndex(first)) : 0;
        var end = arguments.Get(2, "end") is { } last ? Math.Min(length, Clamp(Numbers.ToIndex(last))) : length;
        return (part, (string)Slicing.Apply(text, start, end, null, arguments.Budget)!, start, start > end);

        int Clamp(int index) => Math.Max(0, index < 0 ? index + length : index);
    }
}
