using System.Numerics;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary><c>cycler('a', 'b')</c>: next() gives its values in turn.</summary>
internal sealed class Cycler(IReadOnlyList<object?> items) : TemplateObject
{
    private int _position;

    public override string TypeName => "Cycler";

    public override string Module => "jinja2.utils.";

    public override bool TryGet(string name, out object? value)
    {
        value = name switch
        {
            "current" => items[_position],
            "items" => new PythonTuple(items),
            "pos" => new BigInteger(_position),
            "next" => new Function("next", _ => Next()),
            "reset" => new Function("reset", _ => { _position = 0; return null; }),
            _ => this,
        };
        return !ReferenceEquals(value, this);
    }

    private object? Next()
    {
        var item = items[_position];
        _position = (_position + 1) % items.Count;
        return item;
    }
}
