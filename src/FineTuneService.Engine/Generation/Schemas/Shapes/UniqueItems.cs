using System.Text.Json;
using FineTuneService.Engine.Generation.Schemas.Formulas;
using FineTuneService.Engine.Generation.Schemas.Keywords;
using FineTuneService.Engine.Generation.Schemas.Numbers;

namespace FineTuneService.Engine.Generation.Schemas.Shapes;

/// <summary>
/// The items that an array with uniqueItems has so far. Scalars are ruled out for the next item beforehand, so that no item leads to a dead
/// end; arrays and objects when they end, so they must be such that there is always more to add to them.
/// </summary>
/// <param name="Next">What they ask of the next item.</param>
/// <param name="Compound">Arrays and objects, each as its canonical text.</param>
internal sealed record UniqueItems(Formula Next, IReadOnlyList<string> Compound, string Key)
{
    public static UniqueItems None(FormulaSpace space) => new(space.True, [], "");

    /// <exception cref="SchemaException">A dead end could not be avoided.</exception>
    public static void Check(IReadOnlyList<SomeItems> contained, IReadOnlyList<Goal> items, int least)
    {
        if (contained.Any(some => some.Least > 1 || some.Most < int.MaxValue)) throw Refused("together with minContains or maxContains cannot be followed");
        if (items.Any(item => item.Arrays.Any(array => !array.IsOpen) || item.Objects.Any(shape => !shape.IsOpen)))
            throw Refused("cannot be followed where the items are arrays or objects that cannot always grow; it can where they are texts, numbers, true, false or null");
        int scarce = items.Count(item => !HasAtLeast(item, Math.Max(2, least)));
        if (least > 1 && scarce > 0) throw Refused($"asks for {least} different items, and there may not be as many");
    }

    /// <summary>With one more item; null where an equal one is there already.</summary>
    public UniqueItems? With(FormulaSpace space, string json)
    {
        using var document = JsonDocument.Parse(json);
        JsonElement item = document.RootElement;
        string text = Canonical(item);
        if (item.ValueKind is JsonValueKind.Array or JsonValueKind.Object) return Compound.Contains(text) ? null : this with { Compound = [.. Compound, text], Key = $"{Key}\0{text}" };
        Formula value = Constants.Is(space, item.Clone(), new SchemaNode(item, "#", new Uri("json-schema:///"), "#"), "uniqueItems");
        return this with { Next = space.And(Next, space.Not(value)), Key = $"{Key}\0{text}" };
    }

    private static SchemaException Refused(string why) => new("#", "uniqueItems", why);

    private static bool HasAtLeast(Goal goal, int count) => goal.Arrays.Count > 0 || goal.Objects.Count > 0
        || System.Numerics.BitOperations.PopCount((uint)goal.Words) >= count || goal.Numbers?.HasAtLeast(count) == true || goal.Texts?.HasAtLeast(count) == true;

    private static string Canonical(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number => ExactNumber.TryParse(value.GetRawText(), out ExactNumber number) ? number.ToString() : value.GetRawText(),
        JsonValueKind.String => JsonSerializer.Serialize(value.GetString()),
        JsonValueKind.Array => $"[{string.Join(',', value.EnumerateArray().Select(Canonical))}]",
        JsonValueKind.Object => $"{{{string.Join(',', value.EnumerateObject().OrderBy(property => property.Name, StringComparer.Ordinal).Select(property => $"{JsonSerializer.Serialize(property.Name)}:{Canonical(property.Value)}"))}}}",
        _ => value.GetRawText(),
    };
}
