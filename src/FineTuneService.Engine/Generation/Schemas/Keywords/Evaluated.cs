using FineTuneService.Engine.Generation.Schemas.Formulas;

namespace FineTuneService.Engine.Generation.Schemas.Keywords;

/// <summary>Which properties and items the keywords of a schema have looked at, in one of the ways that a value can be valid.</summary>
/// <param name="Formula">What a value asks to be valid in this way.</param>
/// <param name="AllNames">Every property.</param>
/// <param name="Items">So many of the first items.</param>
/// <param name="Containing">Further items that are as one of these formulas asks.</param>
internal sealed record Evaluated(
    Formula Formula, IReadOnlyList<string> Names, IReadOnlyList<TextIn> Patterns, bool AllNames, int Items, bool AllItems, IReadOnlyList<Formula> Containing)
{
    public static Evaluated Nothing(Formula formula) => new(formula, [], [], false, 0, false, []);

    /// <summary>Equal where the same is evaluated.</summary>
    public string Key => string.Join('\0', Names.Order()) + "\u0001" + string.Join(',', Patterns.Select(pattern => pattern.Id).Order())
        + $"\u0001{AllNames},{Items},{AllItems},{string.Join(',', Containing.Select(formula => formula.Id).Order())}";

    public bool IsNothing => Names.Count == 0 && Patterns.Count == 0 && !AllNames && Items == 0 && !AllItems && Containing.Count == 0;

    public Evaluated And(FormulaSpace space, Evaluated other) => new(
        space.And(Formula, other.Formula), [.. Names.Union(other.Names)], [.. Patterns.Union(other.Patterns)], AllNames || other.AllNames,
        Math.Max(Items, other.Items), AllItems || other.AllItems, [.. Containing.Union(other.Containing)]);
}
