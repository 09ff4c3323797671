namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>The values of one call: of a function, a filter (whose input is the first) or a test.</summary>
/// <param name="Callee">What is called, for error messages.</param>
internal sealed record Arguments(
    string Callee, IReadOnlyList<object?> Positional, IReadOnlyDictionary<string, object?> Named, Renderer Renderer)
{
    private static readonly Dictionary<string, object?> None = [];

    public Arguments(string callee, IReadOnlyList<object?> positional, Renderer renderer)
        : this(callee, positional, None, renderer) { }

    public Budget Budget => Renderer.Budget;

    public object? this[int index] => index < Positional.Count ? Positional[index]
        : throw new JinjaError($"{Callee}() missing required argument {index + 1}");

    public bool Has(int index, string name) => index < Positional.Count || Named.ContainsKey(name);

    /// <summary>The argument by place or name, or <paramref name="standard"/> where it is not given.</summary>
    public object? Get(int index, string name, object? standard = null) =>
        index < Positional.Count ? Positional[index] : Named.GetValueOrDefault(name, standard);

    public object? Require(int index, string name) =>
        Has(index, name) ? Get(index, name) :
            throw new JinjaError($"{Callee}() missing 1 required positional argument: '{name}'");

    public string RequireText(int index, string name) => Require(index, name) is string text ? text
        : throw new JinjaError($"{Callee}() argument '{name}' must be str, not {Python.TypeName(Get(index, name))}");

    public string GetText(int index, string name, string standard) => Has(index, name) ? RequireText(index, name) : standard;

    public bool IsTrue(int index, string name, bool standard = false) => Python.IsTrue(Get(index, name, standard));

    public int GetInteger(int index, string name, int standard) =>
        Has(index, name) ? Numbers.ToIndex(Get(index, name)) : standard;

    /// <summary>The items of an argument that has some.</summary>
    public IReadOnlyList<object?> Iterate(int index) => Python.Iterate(this[index], Budget);

    /// <summary>The same call with other values in front: how map('upper') hands on its arguments.</summary>
    public Arguments With(string callee, object? first, int skip)
    {
        Budget.Step(1 + (Positional.Count / 8.0));
        return this with { Callee = callee, Positional = [first, .. Positional.Skip(skip)] };
    }

    public string Str(object? value) => Repr.Str(value, Budget);
}
