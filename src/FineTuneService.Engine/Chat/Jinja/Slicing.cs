namespace FineTuneService.Engine.Chat.Jinja;

/// <summary><c>x[start:stop:step]</c> of a text, list, tuple or range.</summary>
internal static class Slicing
{
    public static object? Apply(object? target, int? start, int? stop, int? step)
    {
        var items = target switch
        {
            string text => Text.Characters(text),
            IReadOnlyList<object?> list => list,
            Undefined undefined => throw undefined.Error(),
            _ => null,
        };
        if (items is null) return new Undefined($"'{Python.TypeName(target)} object' cannot be sliced");
        var chosen = Choose(items, start, stop, step ?? 1);
        return target switch
        {
            string => string.Concat(chosen),
            PythonTuple => new PythonTuple(chosen),
            _ => chosen,
        };
    }

    private static List<object?> Choose(IReadOnlyList<object?> items, int? start, int? stop, int step)
    {
        if (step == 0) throw new JinjaError("slice step cannot be zero");
        var (low, high) = step > 0 ? (0, items.Count) : (-1, items.Count - 1);
        int Clamp(int index) => Math.Clamp(index < 0 ? index + items.Count : index, low, high);
        var from = start is { } first ? Clamp(first) : step > 0 ? low : high;
        var to = stop is { } last ? Clamp(last) : step > 0 ? high : low;
        var chosen = new List<object?>();
        for (var i = (long)from; step > 0 ? i < to : i > to; i += step) chosen.Add(items[(int)i]);
        return chosen;
    }
}
