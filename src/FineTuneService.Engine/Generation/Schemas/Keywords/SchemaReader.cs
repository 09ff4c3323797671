using System.Text.Json;
using FineTuneService.Engine.Generation.Schemas.Formulas;

namespace FineTuneService.Engine.Generation.Schemas.Keywords;

/// <summary>
/// What a schema asks, as a formula: all of what its keywords ask. Keywords that ask nothing (title, description, default, examples …) and
/// names that are no keywords are passed over, as JSON Schema has it; a keyword that cannot be followed is refused.
/// </summary>
internal sealed class SchemaReader(SchemaDocument document, FormulaSpace space, SchemaOptions options)
{
    private readonly Dictionary<string, Formula> _read = [];

    public SchemaDocument Document => document;
    public FormulaSpace Space => space;
    public SchemaOptions Options => options;
    public bool IsDraft7 => document.Draft == SchemaDraft.Draft7;

    /// <summary>A schema as part of another's formula.</summary>
    public Formula Of(SchemaNode node) => node.Json.ValueKind switch
    {
        JsonValueKind.True => space.True,
        JsonValueKind.False => space.False,
        JsonValueKind.Object => space.Refer(node),
        _ => throw new SchemaException(node.Path, "schema", "is neither an object nor true or false"),
    };

    public Formula Of(SchemaNode parent, params ReadOnlySpan<string> steps) => Of(document.Child(parent, steps));

    /// <summary>What a schema asks.</summary>
    public Formula Read(SchemaNode node)
    {
        if (_read.TryGetValue(node.Path, out Formula? known)) return known;
        bool unevaluated = !IsDraft7 && (node.TryGet("unevaluatedProperties", out _) || node.TryGet("unevaluatedItems", out _));
        Formula formula = unevaluated ? new Unevaluated(this).Read(node) : space.And(Parts(node));
        return _read[node.Path] = formula;
    }

    /// <summary>What each of its keywords asks, but for unevaluatedItems and unevaluatedProperties.</summary>
    public IEnumerable<Formula> Parts(SchemaNode node)
    {
        if (IsDraft7 && node.TryGet("$ref", out _)) return [Of(document.Target(node, "$ref"))];
        return [.. ValueKeywords.Read(this, node), .. ArrayKeywords.Read(this, node), .. ObjectKeywords.Read(this, node), .. Applicators.Read(this, node)];
    }

    /// <summary>A keyword's whole number, 0 or more; one too large to matter is the largest.</summary>
    public static int? Count(SchemaNode node, string keyword)
    {
        if (!node.TryGet(keyword, out JsonElement value)) return null;
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && number >= 0 && Math.Floor(number) == number
            ? (int)Math.Min(number, int.MaxValue) : throw node.Refused(keyword, "must be a whole number, 0 or more");
    }

    public static IEnumerable<string> Texts(SchemaNode node, string keyword, JsonElement list) => list.ValueKind == JsonValueKind.Array && list.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String)
        ? list.EnumerateArray().Select(item => item.GetString()!) : throw node.Refused(keyword, "must be a list of texts");

    public static IEnumerable<string> Names(SchemaNode node, string keyword)
    {
        if (!node.TryGet(keyword, out JsonElement value)) return [];
        return value.ValueKind == JsonValueKind.Object ? value.EnumerateObject().Select(property => property.Name).Distinct() : throw node.Refused(keyword, "must be an object");
    }

    /// <summary>Places of a keyword's list of schemas.</summary>
    public static IEnumerable<string> Places(SchemaNode node, string keyword)
    {
        if (!node.TryGet(keyword, out JsonElement value)) return [];
        if (value.ValueKind != JsonValueKind.Array) throw node.Refused(keyword, "must be a list of schemas");
        return Enumerable.Range(0, value.GetArrayLength()).Select(i => i.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }
}
