using FineTuneService.Engine.Generation.Schemas.Numbers;
using FineTuneService.Engine.Generation.Schemas.Texts;

namespace FineTuneService.Engine.Generation.Schemas.Formulas;

/// <summary>JSON's kinds of values; true and false apart, since each is one value.</summary>
[Flags]
internal enum Kinds
{
    None = 0,
    Null = 1,
    True = 2,
    False = 4,
    Number = 8,
    Text = 16,
    Array = 32,
    Object = 64,
    All = 127,
}

/// <summary>What is asked of a value. Equal formulas of one space are one object, so that <see cref="Id"/> tells them apart.</summary>
internal abstract class Formula
{
    public int Id { get; set; }
}

/// <summary>The value's kind is one of these. All kinds: true; none: false.</summary>
internal sealed class KindIs(Kinds kinds) : Formula
{
    public Kinds Kinds => kinds;
}

internal sealed class AllOf(Formula[] parts) : Formula
{
    public Formula[] Parts => parts;
}

internal sealed class AnyOf(Formula[] parts) : Formula
{
    public Formula[] Parts => parts;
}

/// <summary>What a schema asks, or its opposite. It is read when it is needed: schemas refer to each other in circles.</summary>
internal sealed class Refer(SchemaNode node, bool negated) : Formula
{
    public SchemaNode Node => node;
    public bool Negated => negated;
}

/// <summary>Asks something of values of one kind, and nothing of others.</summary>
internal abstract class Atom(Kinds kind) : Formula
{
    public Kinds Kind => kind;
}

internal sealed class NumberIn(NumberPiece piece) : Atom(Kinds.Number)
{
    public NumberPiece Piece => piece;
}

/// <param name="key">Equal for equal languages.</param>
/// <param name="make">The automaton; made once for each language that it is part of.</param>
internal sealed class TextIn(string key, Func<TextAutomaton> make, bool negated) : Atom(Kinds.Text)
{
    public string Key => key;
    public Func<TextAutomaton> Make => make;
    public bool Negated => negated;
}

/// <summary>A text of so many code points.</summary>
internal sealed class LengthIn(int least, int most) : Atom(Kinds.Text)
{
    public int Least => least;
    public int Most => most;
}

/// <summary>An array's items: one formula for each of the first, and one for the others.</summary>
internal sealed class ItemsAre(Formula[] first, Formula rest) : Atom(Kinds.Array)
{
    public Formula[] First => first;
    public Formula Rest => rest;
}

/// <summary>An array or object of so many items or properties.</summary>
internal sealed class CountIn(Kinds kind, int least, int most) : Atom(kind)
{
    public int Least => least;
    public int Most => most;
}

/// <summary>Of an array's items at places from, to (not included), so many are as the formula asks.</summary>
internal sealed class SomeItems(int from, int to, Formula item, int least, int most) : Atom(Kinds.Array)
{
    public int From => from;
    public int To => to;
    public Formula Item => item;
    public int Least => least;
    public int Most => most;
}

internal sealed class ItemsDiffer() : Atom(Kinds.Array);

/// <summary>An object's properties: by name, by pattern (each that fits asks), and those that neither names.</summary>
internal sealed class PropertiesAre(IReadOnlyDictionary<string, Formula> named, IReadOnlyList<(TextIn Pattern, Formula Value)> patterns, Formula others) : Atom(Kinds.Object)
{
    public IReadOnlyDictionary<string, Formula> Named => named;
    public IReadOnlyList<(TextIn Pattern, Formula Value)> Patterns => patterns;
    public Formula Others => others;
}

internal sealed class HasProperty(string name) : Atom(Kinds.Object)
{
    public string Name => name;
}

/// <summary>Every name, as a text, is as the formula asks.</summary>
internal sealed class NamesAre(Formula name) : Atom(Kinds.Object)
{
    public Formula Name => name;
}

/// <summary>Some property has a name that is as one formula asks, and a value that is as the other does.</summary>
internal sealed class SomeProperty(Formula name, Formula value) : Atom(Kinds.Object)
{
    public Formula Name => name;
    public Formula Value => value;
}
