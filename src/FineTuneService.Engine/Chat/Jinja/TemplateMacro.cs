namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>A macro with the scope that it was defined in.</summary>
internal sealed class TemplateMacro(Macro definition, Scope scope) : TemplateObject
{
    public Macro Definition => definition;

    public Scope Scope => scope;

    public override string TypeName => "Macro";

    public override Func<Arguments, object?> Body => arguments => arguments.Renderer.Render(this, arguments);

    private bool TakesCaller => definition.Names.Contains("caller");

    private bool TakesOthers => definition.Names.Contains("kwargs");

    private bool TakesMore => definition.Names.Contains("varargs");

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
        BindNamed(arguments, inner);
        if (TakesMore) inner["varargs"] = new PythonTuple([.. arguments.Positional.Skip(parameters.Count)]);
        else if (arguments.Positional.Count > parameters.Count)
            throw new JinjaError($"macro '{name}' takes not more than {parameters.Count} argument(s)");
    }

    private void BindNamed(Arguments arguments, Scope inner)
    {
        var others = new Dict(arguments.Budget);
        var open = definition.Parameters.Skip(arguments.Positional.Count).Select(parameter => parameter.Name).ToHashSet();
        if (TakesCaller && !open.Contains("caller") && definition.Parameters.All(parameter => parameter.Name != "caller"))
        {
            inner["caller"] = arguments.Named.GetValueOrDefault("caller", new Undefined("No caller defined"));
            open.Add("caller");
        }
        foreach (var (key, value) in arguments.Named)
        {
            if (open.Contains(key)) continue;
            if (!TakesOthers)
                throw new JinjaError(arguments.Named.ContainsKey("caller") && !open.Contains("caller")
                    ? $"macro '{definition.Name}' was invoked with two values for the special caller argument. This is most likely a bug."
                    : $"macro '{definition.Name}' takes no keyword argument '{key}'");
            others[key] = value;
        }
        if (TakesOthers) inner["kwargs"] = others;
    }

    public override bool TryGet(string name, out object? value)
    {
        value = name switch
        {
            "name" => definition.Name,
            "arguments" => new PythonTuple([.. definition.Parameters.Select(parameter => parameter.Name)]),
            "caller" => TakesCaller,
            "catch_kwargs" => TakesOthers,
            "catch_varargs" => TakesMore,
            "explicit_caller" => definition.Parameters.Any(parameter => parameter.Name == "caller"),
            _ => this,
        };
        return !ReferenceEquals(value, this);
    }

    public override string ToString() => $"<Macro '{definition.Name}'>";
}
