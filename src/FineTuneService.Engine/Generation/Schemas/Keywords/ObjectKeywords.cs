using System.Text.Json;
using FineTuneService.Engine.Generation.Schemas.Formulas;

namespace FineTuneService.Engine.Generation.Schemas.Keywords;

/// <summary>What is asked of objects.</summary>
internal static class ObjectKeywords
{
    public static IEnumerable<Formula> Read(SchemaReader reader, SchemaNode node)
    {
        FormulaSpace space = reader.Space;
        var named = new Dictionary<string, Formula>();
        foreach (string name in SchemaReader.Names(node, "properties")) named[name] = reader.Of(node, "properties", name);
        (TextIn, Formula)[] patterns = [.. SchemaReader.Names(node, "patternProperties")
            .Select(pattern => (ValueKeywords.Pattern(space, node, "patternProperties", pattern), reader.Of(node, "patternProperties", pattern)))];
        yield return space.Properties(named, patterns, node.TryGet("additionalProperties", out _) ? reader.Of(node, "additionalProperties") : space.True);
        if (node.TryGet("required", out JsonElement required))
        {
            foreach (string name in SchemaReader.Texts(node, "required", required)) yield return space.Has(name);
        }
        if (SchemaReader.Count(node, "minProperties") is { } least) yield return space.Count(Kinds.Object, least, int.MaxValue);
        if (SchemaReader.Count(node, "maxProperties") is { } most) yield return space.Count(Kinds.Object, 0, most);
        if (node.TryGet("propertyNames", out _)) yield return space.Names(reader.Of(node, "propertyNames"));
        if (!reader.IsDraft7)
        {
            foreach (string name in SchemaReader.Names(node, "dependentRequired")) yield return If(space, name, Required(space, node, "dependentRequired", name));
            foreach (string name in SchemaReader.Names(node, "dependentSchemas")) yield return If(space, name, reader.Of(node, "dependentSchemas", name));
        }
        // Of draft 7; newer ones let it stand for what it was.
        foreach (string name in SchemaReader.Names(node, "dependencies"))
            yield return If(space, name, node.Json.GetProperty("dependencies").GetProperty(name).ValueKind == JsonValueKind.Array ? Required(space, node, "dependencies", name) : reader.Of(node, "dependencies", name));
    }

    /// <summary>An object that has a property is as the formula asks.</summary>
    public static Formula If(FormulaSpace space, string name, Formula then) => space.Or(Lacks(space, name), then);

    public static Formula Lacks(FormulaSpace space, string name) => space.Properties(new Dictionary<string, Formula> { [name] = space.False }, [], space.True);

    private static Formula Required(FormulaSpace space, SchemaNode node, string keyword, string name) =>
        space.And(SchemaReader.Texts(node, keyword, node.Json.GetProperty(keyword).GetProperty(name)).Select(space.Has));
}
