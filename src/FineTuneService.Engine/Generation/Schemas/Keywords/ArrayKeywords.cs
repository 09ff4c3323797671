using System.Text.Json;
using FineTuneService.Engine.Generation.Schemas.Formulas;

namespace FineTuneService.Engine.Generation.Schemas.Keywords;

/// <summary>What is asked of arrays.</summary>
internal static class ArrayKeywords
{
    public static IEnumerable<Formula> Read(SchemaReader reader, SchemaNode node)
    {
        FormulaSpace space = reader.Space;
        (string[] first, string? rest) = Items(reader, node);
        if (first.Length > 0 || rest is not null)
            yield return space.Items([.. first.Select(place => reader.Of(node, reader.IsDraft7 ? "items" : "prefixItems", place))], rest is null ? space.True : reader.Of(node, rest));
        if (SchemaReader.Count(node, "minItems") is { } least) yield return space.Count(Kinds.Array, least, int.MaxValue);
        if (SchemaReader.Count(node, "maxItems") is { } most) yield return space.Count(Kinds.Array, 0, most);
        if (node.TryGet("uniqueItems", out JsonElement unique) && unique.ValueKind == JsonValueKind.True) yield return space.ItemsDiffer();
        if (!node.TryGet("contains", out _)) yield break;
        int fewest = reader.IsDraft7 ? 1 : SchemaReader.Count(node, "minContains") ?? 1, several = reader.IsDraft7 ? int.MaxValue : SchemaReader.Count(node, "maxContains") ?? int.MaxValue;
        yield return space.SomeItems(0, int.MaxValue, reader.Of(node, "contains"), fewest, several);
    }

    /// <summary>The places of the first items' schemas, and the keyword of the others'.</summary>
    public static (string[] First, string? Others) Items(SchemaReader reader, SchemaNode node)
    {
        bool has = node.TryGet("items", out JsonElement items);
        if (!reader.IsDraft7)
        {
            if (has && items.ValueKind == JsonValueKind.Array) throw node.Refused("items", "is a list, as in older drafts; write prefixItems, or name the draft in $schema");
            return ([.. SchemaReader.Places(node, "prefixItems")], has ? "items" : null);
        }
        if (!has || items.ValueKind != JsonValueKind.Array) return ([], has ? "items" : null);
        return ([.. SchemaReader.Places(node, "items")], node.TryGet("additionalItems", out _) ? "additionalItems" : null);
    }
}
