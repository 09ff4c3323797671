using System.Numerics;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>The variable <c>loop</c>.</summary>
internal sealed class LoopContext(IReadOnlyList<object?> items, int depth) : TemplateObject
{
    private int _index = -1;
    private IReadOnlyList<object?>? _last;

    public Func<object?, string>? Recurse { get; init; }

    public override string TypeName => "LoopContext";

    public object? Item => items[_index];

    public int Length => items.Count;

    public bool MoveNext() => ++_index < items.Count;

    /// <summary>Going through <c>loop</c> itself takes its next items away, each with the loop.</summary>
    public IReadOnlyList<object?> Rest()
    {
        var rest = new List<object?>();
        while (MoveNext()) rest.Add(new PythonTuple([Item, this]));
        return rest;
    }

    public override Func<Arguments, object?>? Body => arguments => Recurse is null
        ? throw new JinjaError("The loop must have the 'recursive' marker to be called recursively.") : Recurse(arguments[0]);

    public override bool TryGet(string name, out object? value)
    {
        value = name switch
        {
            "index" => new BigInteger(_index + 1),
            "index0" => new BigInteger(_index),
            "revindex" => new BigInteger(items.Count - _index),
            "revindex0" => new BigInteger(items.Count - _index - 1),
            "length" => new BigInteger(items.Count),
            "depth" => new BigInteger(depth),
            "depth0" => new BigInteger(depth - 1),
            "first" => _index == 0,
            "last" => _index >= items.Count - 1,
            "previtem" => _index > 0 ? items[_index - 1] : new Undefined("there is no previous item"),
            "nextitem" => _index < items.Count - 1 ? items[_index + 1] : new Undefined("there is no next item"),
            "cycle" => new Function("cycle", arguments => arguments.Positional.Count == 0
                ? throw new JinjaError("no items for cycling given") : arguments[_index % arguments.Positional.Count]),
            "changed" => new Function("changed", arguments => Changed(arguments)),
            _ => this,
        };
        return !ReferenceEquals(value, this);
    }

    private bool Changed(Arguments arguments)
    {
        var changed = _last is null || !Python.Equal(new PythonTuple(_last), new PythonTuple(arguments.Positional), arguments.Budget);
        _last = arguments.Positional;
        return changed;
    }

    public override string ToString() => $"<LoopContext {_index + 1}/{items.Count}>";
}
