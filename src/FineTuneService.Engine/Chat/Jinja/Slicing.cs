namespace FineTuneService.Engine.Chat.Jinja;

/// <summary><c>x[start:stop:step]</c> of a text, list, tuple or range.</summary>
internal static class Slicing
{
    public static object? Apply(object? target, int? start, int? stop, int? step, Budget budget)
    {
        if (target is string plain && step is null or 1 && plain.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF') < 0)
        {
            var (from, to) = Bounds(plain.Length, start, stop, 1);
            budget.Allocate(Math.Max(0, to - from));
            return to > from ? plain[from..to] : "";
        }
        var items = target switch
        {
            string text => Text.Characters(text, budget),
            IReadOnlyList<object?> list => list,
            Undefined undefined => throw undefined.Error(),
            _ => null,
        };
        if (items is null)
            throw new JinjaError(target is Dict ? "unhashable type: 'slice'" : $"'{Python.TypeName(target)}' object is not subscriptable");
        if (target is PythonRange range) return Choose(range, start, stop, step ?? 1);
        var chosen = Choose(items, start, stop, step ?? 1, budget);
        return target switch
        {
            string => string.Concat(chosen),
            PythonTuple or ItemGroup => new PythonTuple(chosen),
            _ => chosen,
        };
    }

    private static List<object?> Choose(IReadOnlyList<object?> items, int? start, int? stop, int step, Budget budget)
    {
        if (step == 0) throw new JinjaError("slice step cannot be zero");
        var (from, to) = Bounds(items.Count, start, stop, step);
        budget.AllocateItems(Math.Max(0, ((double)to - from) / step));
        var chosen = new List<object?>();
        for (var i = (long)from; step > 0 ? i < to : i > to; i += step) chosen.Add(items[(int)i]);
        return chosen;
    }

    private static PythonRange Choose(PythonRange range, int? start, int? stop, int step)
    {
        if (step == 0) throw new JinjaError("slice step cannot be zero");
        var (from, to) = Bounds(range.Count, start, stop, step);
        int At(int index) => (int)Math.Clamp(range.Start + ((long)index * range.Step), int.MinValue, int.MaxValue);
        return new PythonRange(At(from), At(to), (int)Math.Clamp((long)range.Step * step, -int.MaxValue, int.MaxValue));
    }

    private static (int From, int To) Bounds(int count, int? start, int? stop, int step)
    {
        var (low, high) = step > 0 ? (0, count) : (-1, count - 1);
        int Clamp(int index) => Math.Clamp(index < 0 ? index + count : index, low, high);
        return (start is { } first ? Clamp(first) : step > 0 ? low : high, stop is { } last ? Clamp(last) : step > 0 ? high : low);
    }
}
