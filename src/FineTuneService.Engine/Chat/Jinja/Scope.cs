namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>Variables of a template, a loop's turn, a macro or a with block; assignments stay in it.</summary>
internal sealed class Scope(Scope? outer)
{
    private readonly Dictionary<string, object?> _variables = [];

    public object? this[string name]
    {
        get => TryGet(name, out var value) ? value : new Undefined($"'{name}' is undefined");
        set => _variables[name] = value;
    }

    private Scope? Outer { get; } = outer;

    public bool TryGet(string name, out object? value)
    {
        for (var scope = this; scope is not null; scope = scope.Outer)
            if (scope._variables.TryGetValue(name, out value)) return true;
        value = null;
        return false;
    }
}
