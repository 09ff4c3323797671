namespace FineTuneService.Engine.Chat.Jinja;

/// <summary><c>namespace(x=1)</c>: the one value whose attributes a template may set.</summary>
internal sealed class TemplateNamespace(Budget budget) : TemplateObject
{
    public Dict Fields { get; } = new(budget);

    public override string TypeName => "Namespace";

    public override string Module => "jinja2.utils.";

    public void Set(string name, object? value)
    {
        if (name.StartsWith('_'))
            throw new JinjaError("Chat templates cannot store underscore-prefixed attributes on a namespace, "
                + $"but got '{name}'. Please rename the attribute.");
        Fields[name] = value;
    }

    public override bool TryGet(string name, out object? value) => Fields.TryGet(name, out value);
}
