using System.Collections;
using System.Numerics;

namespace FineTuneService.Engine.Chat.Jinja;

// A value of a template is: null (None), bool, BigInteger, double, string, List<object?>, Dict, or one of these.

/// <summary>What a missing name or key gives: prints as nothing, and is an error to compute with.</summary>
/// <param name="Reason">The error of using it, such as <c>'x' is undefined</c>.</param>
internal sealed record Undefined(string Reason)
{
    public JinjaError Error() => new(Reason);
}

internal sealed class PythonTuple(IReadOnlyList<object?> items) : IReadOnlyList<object?>
{
    public object? this[int index] => items[index];

    public int Count => items.Count;

    public IEnumerator<object?> GetEnumerator() => items.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary><c>range(start, stop, step)</c>.</summary>
internal sealed class PythonRange(int start, int stop, int step) : IReadOnlyList<object?>
{
    public object? this[int index] => new BigInteger(start + ((long)index * step));

    public int Start => start;

    public int Stop => stop;

    public int Step => step;

    public int Count { get; } = (int)Math.Max(0, (stop - (long)start + step - Math.Sign(step)) / step);

    public bool Has(BigInteger item) => (step > 0 ? item >= start && item < stop : item <= start && item > stop) && ((item - start) % step).IsZero;

    public IEnumerator<object?> GetEnumerator()
    {
        for (var i = 0; i < Count; i++) yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public override string ToString() => step == 1 ? $"range({start}, {stop})" : $"range({start}, {stop}, {step})";
}

/// <summary>What dict.keys(), values() and items() give: can be iterated and measured, not indexed.</summary>
internal sealed record DictView(string Name, IReadOnlyList<object?> Items, Dict? Source = null);

/// <summary>What map, select and reject give: can only be iterated, and only once.</summary>
internal sealed class Generated(IReadOnlyList<object?> items)
{
    private IReadOnlyList<object?> _left = items;

    public IReadOnlyList<object?> Take()
    {
        var taken = _left;
        _left = [];
        return taken;
    }
}

/// <summary>What str.encode gives.</summary>
internal sealed record PythonBytes(byte[] Values);

/// <summary>
/// What the filters safe and escape give: a text that escapes what is added to it (markupsafe). Templates written as
/// <c>'a'|safe + x</c> depend on it. It lives inside one expression; what is stored or handed on is the plain text.
/// </summary>
internal sealed record Markup(string Text)
{
    public static Markup Escape(object? value, Budget budget)
    {
        if (value is Markup markup) return markup;
        var escaped = new TextBuilder(budget);
        foreach (var c in Repr.Str(value, budget))
            switch (c)
            {
                case '&': escaped.Append("&amp;"); break;
                case '<': escaped.Append("&lt;"); break;
                case '>': escaped.Append("&gt;"); break;
                case '\'': escaped.Append("&#39;"); break;
                case '"': escaped.Append("&#34;"); break;
                default: escaped.Append(c); break;
            }
        return new Markup(escaped.ToString());
    }

    public static object? Plain(object? value) => value is Markup markup ? markup.Text : value;
}

/// <summary>A function or bound method.</summary>
internal sealed record Function(string Name, Func<Arguments, object?> Body)
{
    public bool Equals(Function? other) => ReferenceEquals(this, other);

    public override int GetHashCode() => Name.GetHashCode();
}

/// <summary>A value with attributes of its own: loop, namespace(), a macro, cycler().</summary>
internal abstract class TemplateObject
{
    /// <summary>As Python names it.</summary>
    public abstract string TypeName { get; }

    /// <summary>Where Python's class is, with a point behind it; error messages name it.</summary>
    public virtual string Module => "jinja2.runtime.";

    /// <summary>False where there is no such attribute.</summary>
    public abstract bool TryGet(string name, out object? value);

    /// <summary>Called as a function, where it can be.</summary>
    public virtual Func<Arguments, object?>? Body => null;

    public override string ToString() => $"<{TypeName} object>";
}
