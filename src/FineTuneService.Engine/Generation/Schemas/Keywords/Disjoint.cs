using System.Text.Json;

namespace FineTuneService.Engine.Generation.Schemas.Keywords;

/// <summary>
/// Whether two schemas can be told apart at a glance: by type, by const and enum, or by a property that both require. It keeps a oneOf of
/// many kinds of object, each with its own mark, from becoming a product of everything that each is not.
/// </summary>
internal static class Disjoint
{
    private const int Deep = 8;

    public static bool Are(SchemaReader reader, SchemaNode a, SchemaNode b) => Are(reader, a, b, Deep);

    private static bool Are(SchemaReader reader, SchemaNode a, SchemaNode b, int depth)
    {
        if (depth == 0) return false;
        if (a.Json.ValueKind == JsonValueKind.False || b.Json.ValueKind == JsonValueKind.False) return true;
        if (a.Json.ValueKind != JsonValueKind.Object || b.Json.ValueKind != JsonValueKind.Object) return false;
        if (a.TryGet("$ref", out _) && Are(reader, reader.Document.Target(a, "$ref"), b, depth - 1)) return true;
        if (b.TryGet("$ref", out _) && Are(reader, a, reader.Document.Target(b, "$ref"), depth - 1)) return true;
        if (reader.IsDraft7 && (a.TryGet("$ref", out _) || b.TryGet("$ref", out _))) return false;
        string[]? typesA = Types(a), typesB = Types(b);
        if (typesA is not null && typesB is not null && !typesA.Intersect(typesB).Any()) return true;
        if (Values(a) is { } valuesA && Values(b) is { } valuesB && !valuesA.Intersect(valuesB).Any()) return true;
        return typesA is ["object"] && typesB is ["object"] && (PropertyApart(reader, a, b, depth) || Lacks(a, b) || Lacks(b, a));
    }

    private static bool PropertyApart(SchemaReader reader, SchemaNode a, SchemaNode b, int depth) => Required(a).Intersect(Required(b)).Any(name =>
        Has(a, name) && Has(b, name) && Are(reader, reader.Document.Child(a, "properties", name), reader.Document.Child(b, "properties", name), depth - 1));

    /// <summary>One requires what the other does not allow.</summary>
    private static bool Lacks(SchemaNode a, SchemaNode b) => a.TryGet("additionalProperties", out JsonElement others) && others.ValueKind == JsonValueKind.False
        && !a.TryGet("patternProperties", out _) && Required(b).Any(name => !Has(a, name));

    private static bool Has(SchemaNode node, string name) => node.TryGet("properties", out JsonElement properties) && properties.ValueKind == JsonValueKind.Object && properties.TryGetProperty(name, out _);

    private static IEnumerable<string> Required(SchemaNode node) => node.TryGet("required", out JsonElement required) && required.ValueKind == JsonValueKind.Array
        ? required.EnumerateArray().Where(name => name.ValueKind == JsonValueKind.String).Select(name => name.GetString()!) : [];

    private static string[]? Types(SchemaNode node)
    {
        if (!node.TryGet("type", out JsonElement type)) return null;
        IEnumerable<JsonElement> all = type.ValueKind == JsonValueKind.Array ? type.EnumerateArray() : [type];
        return [.. all.Select(one => one.ValueKind == JsonValueKind.String ? one.GetString()! : "").Select(name => name == "integer" ? "number" : name)];
    }

    /// <summary>The texts of its const and enum, where they are scalars other than numbers, whose equal values are written in many ways.</summary>
    private static string[]? Values(SchemaNode node)
    {
        IEnumerable<JsonElement>? values = node.TryGet("const", out JsonElement one) ? [one] : node.TryGet("enum", out JsonElement several) && several.ValueKind == JsonValueKind.Array ? several.EnumerateArray() : null;
        JsonElement[]? all = values?.ToArray();
        if (all is null || all.Any(value => value.ValueKind is JsonValueKind.Number or JsonValueKind.Object or JsonValueKind.Array)) return null;
        return [.. all.Select(value => value.ValueKind == JsonValueKind.String ? "s" + value.GetString() : value.GetRawText())];
    }
}
