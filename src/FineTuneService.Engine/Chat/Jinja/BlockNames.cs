
namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>The variable <c>self</c>: <c>self.name()</c> renders a named block where it is called.</summary>
/// <param name="render">Renders a block of that name, with the variables that blocks see there.</param>
internal sealed class BlockNames(IReadOnlyDictionary<string, Block> blocks, Func<Block, string> render) : TemplateObject
{
    public override string TypeName => "TemplateReference";

    /// <summary>A block is an item of it, not an attribute: the filter attr finds none.</summary>
    public override bool TryGet(string name, out object? value)
    {
        value = null;
        return false;
    }

    public bool TryFind(string name, out object? block)
    {
        block = blocks.TryGetValue(name, out var found) ? new NamedBlock(found, render) : null;
        return block is not null;
    }

    public override string ToString() => "<TemplateReference None>";
}

/// <summary>One block of <see cref="BlockNames"/>.</summary>
internal sealed class NamedBlock(Block block, Func<Block, string> render) : TemplateObject
{
    public override string TypeName => "BlockReference";

    public override Func<Arguments, object?> Body => _ => render(block);

    public override bool TryGet(string name, out object? value)
    {
        value = name switch
        {
            "name" => block.Name,
            "super" => new Undefined($"there is no parent block called '{block.Name}'."),
            _ => null,
        };
        return value is not null;
    }
}
