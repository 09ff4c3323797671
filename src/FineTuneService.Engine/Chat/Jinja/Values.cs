using System.Collections;

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
    public object? this[int index] => new System.Numerics.BigInteger(start + (long)index * step);

    public int Count { get; } = (int)Math.Max(0, (stop - (long)start + step - Math.Sign(step)) / step);

    public IEnumerator<object?> GetEnumerator()
    {
        for (var i = 0; i < Count; i++) yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public override string ToString() => step == 1 ? $"range({start}, {stop})" : $"range({start}, {stop}, {step})";
}

/// <summary>What dict.keys(), values() and items() give: can be iterated and measured, not indexed.</summary>
internal sealed record DictView(string Name, IReadOnlyList<object?> Items);

/// <summary>What map, select and reject give: can only be iterated.</summary>
internal sealed record Generated(IReadOnlyList<object?> Items);

/// <summary>
/// What the filters safe and escape give: a text that escapes what is added to it (markupsafe). Templates written as
/// <c>'a'|safe + x</c> depend on it. It lives inside one expression; what is stored or handed on is the plain text.
/// </summary>
internal sealed record Markup(string Text)
{
    public static Markup Escape(object? value, Budget budget) => value as Markup ?? new Markup(Repr.Str(value, budget)
        .Replace("&", "&amp;").Replace("<", "&lt;").Replace(">", "&gt;").Replace("'", "&#39;").Replace("\"", "&#34;"));

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
    /// <summary>False where there is no such attribute.</summary>
    public abstract bool TryGet(string name, out object? value);

    /// <summary>Called as a function, where it can be.</summary>
    public virtual Func<Arguments, object?>? Body => null;
}
