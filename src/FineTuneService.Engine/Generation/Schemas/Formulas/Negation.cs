using FineTuneService.Engine.Generation.Schemas.Numbers;

namespace FineTuneService.Engine.Generation.Schemas.Formulas;

/// <summary>The opposite of a formula, with the not pushed inwards until none is left: an atom's opposite asks for a value of its kind,
/// with something about it that the atom does not allow.</summary>
internal static class Negation
{
    /// <exception cref="SchemaException">uniqueItems: its opposite, two items that are equal, cannot be followed.</exception>
    public static Formula Not(this FormulaSpace space, Formula formula) => formula switch
    {
        KindIs kinds => space.Kind(Kinds.All & ~kinds.Kinds),
        AllOf and => space.Or(and.Parts.Select(space.Not)),
        AnyOf or => space.And(or.Parts.Select(space.Not)),
        Refer refer => space.Refer(refer.Node, !refer.Negated),
        Atom atom => space.And(space.Kind(atom.Kind), space.Opposite(atom)),
        _ => throw new NotSupportedException(formula.ToString()),
    };

    private static Formula Opposite(this FormulaSpace space, Atom atom) => atom switch
    {
        NumberIn number => space.Or(Outside(number.Piece).Select(space.Number)),
        TextIn text => space.Text(text.Key, text.Make, !text.Negated),
        LengthIn length => space.Or(Outside(length.Least, length.Most).Select(range => space.And(space.Kind(Kinds.Text), space.Length(range.Least, range.Most)))),
        CountIn count => space.Or(Outside(count.Least, count.Most).Select(range => space.And(space.Kind(count.Kind), space.Count(count.Kind, range.Least, range.Most)))),
        ItemsAre items => space.Or(items.First.Select((item, i) => (Item: item, From: i, To: i + 1)).Append((Item: items.Rest, From: items.First.Length, To: int.MaxValue))
            .Where(place => place.Item != space.True).Select(place => space.SomeItems(place.From, place.To, space.Not(place.Item), 1, int.MaxValue))),
        SomeItems some => space.Or(Outside(some.Least, some.Most).Select(range => space.SomeItems(some.From, some.To, some.Item, range.Least, range.Most))),
        HasProperty has => space.Properties(new Dictionary<string, Formula> { [has.Name] = space.False }, [], space.True),
        NamesAre names => space.SomeProperty(space.Not(names.Name), space.True),
        SomeProperty some => Everywhere(space, some),
        PropertiesAre properties => space.Or(Broken(space, properties)),
        _ => throw new SchemaException("#", "uniqueItems", "cannot be under a 'not', or in a 'oneOf' or 'if' that has to tell whether it holds"),
    };

    private static IEnumerable<NumberPiece> Outside(NumberPiece piece)
    {
        if (piece.Low is { } low) yield return new NumberPiece(null, false, low, !piece.LowOpen);
        if (piece.High is { } high) yield return new NumberPiece(high, !piece.HighOpen, null, false);
        if (piece.Step is { } step) yield return NumberPiece.All with { NotSteps = [step] };
        foreach (ExactNumber not in piece.NotSteps) yield return NumberPiece.All with { Step = not };
    }

    private static IEnumerable<(int Least, int Most)> Outside(int least, int most)
    {
        if (least > 0) yield return (0, least - 1);
        if (most < int.MaxValue) yield return (most + 1, int.MaxValue);
    }

    private static IEnumerable<Formula> Broken(FormulaSpace space, PropertiesAre properties)
    {
        foreach ((string name, Formula value) in properties.Named)
        {
            if (value != space.True) yield return space.SomeProperty(space.Words([name]), space.Not(value));
        }
        foreach ((TextIn pattern, Formula value) in properties.Patterns)
        {
            if (value != space.True) yield return space.SomeProperty(pattern, space.Not(value));
        }
        if (properties.Others == space.True) yield break;
        Formula other = space.And(properties.Patterns.Select(pair => (Formula)space.Text(pair.Pattern.Key, pair.Pattern.Make, negated: true)));
        if (properties.Named.Count > 0) other = space.And(other, space.Text(space.Words([.. properties.Named.Keys]).Key, space.Words([.. properties.Named.Keys]).Make, negated: true));
        yield return space.SomeProperty(other, space.Not(properties.Others));
    }

    /// <summary>No property is of that kind: those with such a name have other values.</summary>
    private static Formula Everywhere(FormulaSpace space, SomeProperty some)
    {
        if (some.Value == space.True) return space.Names(space.Not(some.Name));
        if (some.Name is TextIn text) return space.Properties(new Dictionary<string, Formula>(), [(text, space.Not(some.Value))], space.True);
        throw new SchemaException("#", "not", "is around another 'not' of properties in a way that cannot be followed");
    }
}
