using System.Numerics;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary><c>namespace(x=1)</c>: the one value whose attributes a template may set.</summary>
internal sealed class TemplateNamespace : TemplateObject
{
    public Dict Fields { get; } = new();

    public void Set(string name, object? value)
    {
        if (name.StartsWith('_'))
            throw new JinjaError("Chat templates cannot store underscore-prefixed attributes on a namespace, "
                + $"but got '{name}'. Please rename the attribute.");
        Fields[name] = value;
    }

    public override bool TryGet(string name, out object? value) => Fields.TryGet(name, out value);
}

/// <summary>The variable <c>loop</c>.</summary>
internal sealed class LoopContext(IReadOnlyList<object?> items, int depth) : TemplateObject
{
    private int _index = -1;
    private IReadOnlyList<object?>? _last;

    public Func<object?, string>? Recurse { get; init; }

    public object? Item => items[_index];

    public bool MoveNext() => ++_index < items.Count;

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
            "last" => _index == items.Count - 1,
            "previtem" => _index > 0 ? items[_index - 1] : new Undefined("there is no previous item"),
            "nextitem" => _index < items.Count - 1 ? items[_index + 1] : new Undefined("there is no next item"),
            "cycle" => new Function("cycle", arguments => arguments[_index % Math.Max(1, arguments.Positional.Count)]),
            "changed" => new Function("changed", arguments => Changed(arguments.Positional)),
            _ => this,
        };
        return !ReferenceEquals(value, this);
    }

    private bool Changed(IReadOnlyList<object?> values)
    {
        var changed = _last is null || !Python.Equal(_last.ToList(), values.ToList());
        _last = values;
        return changed;
    }

    public override string ToString() => $"<LoopContext {_index + 1}/{items.Count}>";
}

/// <summary>A macro with the scope that it was defined in.</summary>
internal sealed class TemplateMacro(Macro definition, Scope scope) : TemplateObject
{
    public Macro Definition => definition;

    public Scope Scope => scope;

    public override Func<Arguments, object?> Body => arguments => arguments.Renderer.Render(this, arguments);

    /// <summary>Gives the parameters their values; a default may read the parameters before it.</summary>
    public void Bind(Arguments arguments, Scope inner, Func<Expression, object?> evaluate)
    {
        var (name, parameters) = (definition.Name, definition.Parameters);
        for (var i = 0; i < parameters.Count; i++)
        {
            var (parameter, standard) = parameters[i];
            inner[parameter] = arguments.Has(i, parameter) ? arguments.Get(i, parameter)
                : standard is null ? new Undefined($"parameter '{parameter}' was not provided") : evaluate(standard);
        }
        if (definition.Names.Contains("varargs"))
            inner["varargs"] = new PythonTuple([.. arguments.Positional.Skip(parameters.Count)]);
        else if (arguments.Positional.Count > parameters.Count)
            throw new JinjaError($"macro '{name}' takes not more than {parameters.Count} argument(s)");
        BindNamed(arguments, inner);
    }

    private void BindNamed(Arguments arguments, Scope inner)
    {
        var (takesCaller, takesAny) = (definition.Names.Contains("caller"), definition.Names.Contains("kwargs"));
        var others = new Dict();
        if (takesCaller) inner["caller"] = arguments.Get(int.MaxValue, "caller", new Undefined("No caller defined"));
        foreach (var (key, value) in arguments.Named)
        {
            if (definition.Parameters.Any(parameter => parameter.Name == key) || (key == "caller" && takesCaller)) continue;
            if (!takesAny) throw new JinjaError($"macro '{definition.Name}' takes no keyword argument '{key}'");
            others[key] = value;
        }
        if (takesAny) inner["kwargs"] = others;
    }

    public override bool TryGet(string name, out object? value)
    {
        value = name switch
        {
            "name" => definition.Name,
            "arguments" => new PythonTuple([.. definition.Parameters.Select(parameter => parameter.Name)]),
            "caller" => definition.Names.Contains("caller"),
            _ => this,
        };
        return !ReferenceEquals(value, this);
    }
}

/// <summary><c>cycler('a', 'b')</c>: next() gives its values in turn.</summary>
internal sealed class Cycler(IReadOnlyList<object?> items) : TemplateObject
{
    private int _position;

    public override bool TryGet(string name, out object? value)
    {
        value = name switch
        {
            "current" => items[_position],
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
