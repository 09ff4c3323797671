using FineTuneService.Engine.Generation.Schemas.Formulas;
using FineTuneService.Engine.Generation.Schemas.Numbers;
using FineTuneService.Engine.Generation.Schemas.Texts;

namespace FineTuneService.Engine.Generation.Schemas.Shapes;

/// <summary>What is asked of a value at some place, kind by kind.</summary>
internal sealed class Goal(Formula formula, Kinds words, NumberSet? numbers, TextLanguage? texts)
{
    public Formula Formula => formula;

    /// <summary>Those of null, true and false that are allowed.</summary>
    public Kinds Words => words;

    /// <summary>Null: none is allowed.</summary>
    public NumberSet? Numbers => numbers;
    public TextLanguage? Texts => texts;

    /// <summary>Ways that an array may be: each alone allows it.</summary>
    public IReadOnlyList<ArrayShape> Arrays { get; set; } = [];
    public IReadOnlyList<ObjectShape> Objects { get; set; } = [];

    /// <summary>Whether any value is allowed; null until it is known.</summary>
    public bool? HasValues { get; set; }

    /// <summary>Every value is allowed, at every depth.</summary>
    public bool IsAnything { get; set; }
}
