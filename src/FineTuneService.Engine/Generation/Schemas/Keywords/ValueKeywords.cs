using System.Text.Json;
using FineTuneService.Engine.Generation.Schemas.Formulas;
using FineTuneService.Engine.Generation.Schemas.Numbers;
using FineTuneService.Engine.Generation.Schemas.Texts;

namespace FineTuneService.Engine.Generation.Schemas.Keywords;

/// <summary>type, enum, const, and what is asked of numbers and texts.</summary>
internal static class ValueKeywords
{
    public static IEnumerable<Formula> Read(SchemaReader reader, SchemaNode node)
    {
        FormulaSpace space = reader.Space;
        if (node.TryGet("type", out JsonElement type)) yield return Type(space, node, type);
        if (node.TryGet("const", out JsonElement constant)) yield return Constants.Is(space, constant, node, "const");
        if (node.TryGet("enum", out JsonElement values))
            yield return values.ValueKind == JsonValueKind.Array ? Constants.Any(space, [.. values.EnumerateArray()], node, "enum") : throw node.Refused("enum", "must be a list");
        if (Number(node, "minimum") is { } low) yield return space.Number(new NumberPiece(low, false, null, false));
        if (Number(node, "exclusiveMinimum") is { } above) yield return space.Number(new NumberPiece(above, true, null, false));
        if (Number(node, "maximum") is { } high) yield return space.Number(new NumberPiece(null, false, high, false));
        if (Number(node, "exclusiveMaximum") is { } below) yield return space.Number(new NumberPiece(null, false, below, true));
        if (Number(node, "multipleOf") is { } step)
            yield return step.Sign > 0 ? space.Number(NumberPiece.All with { Step = step }) : throw node.Refused("multipleOf", "must be more than 0");
        if (SchemaReader.Count(node, "minLength") is { } least) yield return space.Length(least, int.MaxValue);
        if (SchemaReader.Count(node, "maxLength") is { } most) yield return space.Length(0, most);
        if (node.TryGet("pattern", out JsonElement pattern)) yield return Pattern(space, node, "pattern", pattern.ValueKind == JsonValueKind.String ? pattern.GetString()! : throw node.Refused("pattern", "must be a text"));
        if (reader.IsDraft7 && (node.TryGet("contentMediaType", out _) || node.TryGet("contentEncoding", out _)))
            throw node.Refused(node.TryGet("contentMediaType", out _) ? "contentMediaType" : "contentEncoding", "asks, in draft 7, for a text in another language, which is not followed");
        if (reader.Options.AssertFormats && node.TryGet("format", out JsonElement format) && format.ValueKind == JsonValueKind.String
            && Formats.Read(space, node, format.GetString()!, reader.Options.Plain) is { } formatted) yield return formatted;
    }

    /// <summary>Texts in which a pattern is found.</summary>
    /// <exception cref="SchemaException">It is no pattern, or no automaton can follow it.</exception>
    public static TextIn Pattern(FormulaSpace space, SchemaNode node, string keyword, string pattern)
    {
        PatternTree tree = Try(() => PatternParser.Parse(pattern));
        return space.Text("pattern:" + pattern, () => Try(() => new PatternAutomaton(tree)));

        T Try<T>(Func<T> make)
        {
            try
            {
                return make();
            }
            catch (FormatException bad)
            {
                throw node.Refused(keyword, $"'{(pattern.Length > 80 ? pattern[..80] + "…" : pattern)}' {bad.Message}");
            }
        }
    }

    private static Formula Type(FormulaSpace space, SchemaNode node, JsonElement type)
    {
        if (type.ValueKind == JsonValueKind.Array) return space.Or(type.EnumerateArray().Select(one => Type(space, node, one)));
        return (type.ValueKind == JsonValueKind.String ? type.GetString() : null) switch
        {
            "null" => space.Kind(Kinds.Null),
            "boolean" => space.Kind(Kinds.True | Kinds.False),
            "number" => space.Kind(Kinds.Number),
            "integer" => space.And(space.Kind(Kinds.Number), space.Number(NumberPiece.All with { Step = ExactNumber.One })),
            "string" => space.Kind(Kinds.Text),
            "array" => space.Kind(Kinds.Array),
            "object" => space.Kind(Kinds.Object),
            _ => throw node.Refused("type", "must be null, boolean, number, integer, string, array or object, or a list of them"),
        };
    }

    private static ExactNumber? Number(SchemaNode node, string keyword) => node.TryGet(keyword, out JsonElement value) ? Constants.NumberOf(value, node, keyword) : null;
}
