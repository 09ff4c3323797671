using FineTuneService.Engine.Generation.Schemas.Formulas;

namespace FineTuneService.Engine.Generation.Schemas.Keywords;

/// <summary>Keywords that put other schemas to the same value.</summary>
internal static class Applicators
{
    public static IEnumerable<Formula> Read(SchemaReader reader, SchemaNode node)
    {
        FormulaSpace space = reader.Space;
        if (node.TryGet("$ref", out _)) yield return reader.Of(reader.Document.Target(node, "$ref"));
        if (!reader.IsDraft7 && node.TryGet("$dynamicRef", out _)) yield return reader.Of(reader.Document.Target(node, "$dynamicRef"));
        foreach (string place in SchemaReader.Places(node, "allOf")) yield return reader.Of(node, "allOf", place);
        if (node.TryGet("anyOf", out _)) yield return space.Or(SchemaReader.Places(node, "anyOf").Select(place => reader.Of(node, "anyOf", place)));
        if (node.TryGet("oneOf", out _)) yield return One(reader, node);
        if (node.TryGet("not", out _)) yield return space.Not(reader.Of(node, "not"));
        if (!node.TryGet("if", out _)) yield break;
        Formula condition = reader.Of(node, "if");
        if (node.TryGet("then", out _)) yield return space.Or(space.Not(condition), reader.Of(node, "then"));
        if (node.TryGet("else", out _)) yield return space.Or(condition, reader.Of(node, "else"));
    }

    /// <summary>What the i-th of oneOf's schemas asks together with what it rules out: those of the others that it might be taken for.</summary>
    public static Formula Only(SchemaReader reader, SchemaNode node, SchemaNode[] all, int i) => reader.Space.And(
        all.Where((_, j) => j != i && !Disjoint.Are(reader, all[i], all[j])).Select(other => reader.Space.Not(reader.Of(other))).Prepend(reader.Of(all[i])));

    private static Formula One(SchemaReader reader, SchemaNode node)
    {
        SchemaNode[] all = [.. SchemaReader.Places(node, "oneOf").Select(place => reader.Document.Child(node, "oneOf", place))];
        return reader.Space.Or(Enumerable.Range(0, all.Length).Select(i => Only(reader, node, all, i)));
    }
}
