using System.Text.Json;
using FineTuneService.Engine.Generation.Schemas.Formulas;
using FineTuneService.Engine.Generation.Schemas.Numbers;

namespace FineTuneService.Engine.Generation.Schemas.Keywords;

/// <summary>One JSON value as a formula: equal values are those that JSON Schema counts as equal (1 and 1.0; keys in any order).</summary>
internal static class Constants
{
    public static Formula Is(FormulaSpace space, JsonElement value, SchemaNode at, string keyword)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Null: return space.Kind(Kinds.Null);
            case JsonValueKind.True: return space.Kind(Kinds.True);
            case JsonValueKind.False: return space.Kind(Kinds.False);
            case JsonValueKind.Number:
                ExactNumber number = NumberOf(value, at, keyword);
                return space.And(space.Kind(Kinds.Number), space.Number(new NumberPiece(number, false, number, false)));
            case JsonValueKind.String:
                return space.And(space.Kind(Kinds.Text), space.Words([TextOf(value, at, keyword)]));
            case JsonValueKind.Array:
                Formula[] items = [.. value.EnumerateArray().Select(item => Is(space, item, at, keyword))];
                return space.And(space.Kind(Kinds.Array), space.Items(items, space.False), space.Count(Kinds.Array, items.Length, items.Length));
            default:
                var named = new Dictionary<string, Formula>();
                foreach (JsonProperty property in value.EnumerateObject()) named[property.Name] = Is(space, property.Value, at, keyword);
                return space.And([space.Kind(Kinds.Object), space.Properties(named, [], space.False), .. named.Keys.Select(space.Has)]);
        }
    }

    /// <summary>One of several values; texts are one automaton.</summary>
    public static Formula Any(FormulaSpace space, IReadOnlyList<JsonElement> values, SchemaNode at, string keyword)
    {
        string[] texts = [.. values.Where(value => value.ValueKind == JsonValueKind.String).Select(value => TextOf(value, at, keyword)).Distinct()];
        Formula text = texts.Length == 0 ? space.False : space.And(space.Kind(Kinds.Text), space.Words(texts));
        return space.Or(values.Where(value => value.ValueKind != JsonValueKind.String).Select(value => Is(space, value, at, keyword)).Append(text));
    }

    public static ExactNumber NumberOf(JsonElement value, SchemaNode at, string keyword) =>
        value.ValueKind == JsonValueKind.Number && ExactNumber.TryParse(value.GetRawText(), out ExactNumber number) ? number : throw at.Refused(keyword, "must be a number, of a size that can be written out");

    private static string TextOf(JsonElement value, SchemaNode at, string keyword)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw at.Refused(keyword, "has a text with half a character");
        }
    }
}
