using FineTuneService.Engine.Generation.Schemas.Numbers;
using FineTuneService.Engine.Generation.Schemas.Texts;

namespace FineTuneService.Engine.Generation.Schemas.Formulas;

/// <summary>Makes a schema's formulas, each once.</summary>
internal sealed class FormulaSpace
{
    private readonly Dictionary<string, Formula> _known = [];
    private readonly SchemaBudget _budget;

    public FormulaSpace(SchemaBudget budget)
    {
        _budget = budget;
        (True, False) = (Kind(Kinds.All), Kind(Kinds.None));
    }

    public Formula True { get; }
    public Formula False { get; }

    public Formula Kind(Kinds kinds) => Known($"k{(int)kinds}", () => new KindIs(kinds));

    public Formula Refer(SchemaNode node, bool negated = false) => Known($"r{(negated ? '-' : '+')}{node.Path}", () => new Refer(node, negated));

    public Formula Number(NumberPiece piece) => piece.IsAll ? True
        : Known($"n{piece.Low},{piece.LowOpen},{piece.High},{piece.HighOpen},{piece.Step},{string.Join('!', piece.NotSteps)}", () => new NumberIn(piece));

    /// <param name="key">Says which language, such as its pattern.</param>
    public TextIn Text(string key, Func<TextAutomaton> make, bool negated = false) => (TextIn)Known($"t{(negated ? '-' : '+')}{key}", () => new TextIn(key, make, negated));

    public TextIn Words(IReadOnlyList<string> words) => Text("words:" + string.Join('\0', words), () => new WordsAutomaton(words));

    public Formula Length(int least, int most) => least > most ? Kind(Kinds.All & ~Kinds.Text) : least == 0 && most == int.MaxValue ? True : Known($"l{least},{most}", () => new LengthIn(least, most));

    public Formula Items(Formula[] first, Formula rest)
    {
        int kept = first.Length;
        while (kept > 0 && first[kept - 1] == rest) kept--;
        if (kept == 0 && rest == True) return True;
        return Known($"i{Ids(first[..kept])}:{rest.Id}", () => new ItemsAre(first[..kept], rest));
    }

    public Formula Count(Kinds kind, int least, int most) => least > most ? Kind(Kinds.All & ~kind) : least == 0 && most == int.MaxValue ? True : Known($"c{(int)kind},{least},{most}", () => new CountIn(kind, least, most));

    public Formula SomeItems(int from, int to, Formula item, int least, int most)
    {
        if (least > most) return Kind(Kinds.All & ~Kinds.Array);
        return least == 0 && most == int.MaxValue ? True : Known($"s{from},{to},{item.Id},{least},{most}", () => new SomeItems(from, to, item, least, most));
    }

    public Formula ItemsDiffer() => Known("u", () => new ItemsDiffer());

    public Formula Properties(IReadOnlyDictionary<string, Formula> named, IReadOnlyList<(TextIn Pattern, Formula Value)> patterns, Formula others)
    {
        if (others == True && named.Values.All(value => value == True) && patterns.All(pattern => pattern.Value == True)) return True;
        string key = string.Join('\0', named.Select(pair => $"{pair.Key}\u0001{pair.Value.Id}")) + "\u0002" + string.Join('\0', patterns.Select(pair => $"{pair.Pattern.Id}\u0001{pair.Value.Id}"));
        return Known($"p{key}\u0002{others.Id}", () => new PropertiesAre(named, patterns, others));
    }

    public Formula Has(string name) => Known($"h{name}", () => new HasProperty(name));

    public Formula Names(Formula name) => name == True ? True : Known($"m{name.Id}", () => new NamesAre(name));

    public Formula SomeProperty(Formula name, Formula value) => name == False || value == False ? Kind(Kinds.All & ~Kinds.Object) : Known($"e{name.Id},{value.Id}", () => new SomeProperty(name, value));

    public Formula And(params IEnumerable<Formula> parts) => Join(parts, all: true);

    public Formula Or(params IEnumerable<Formula> parts) => Join(parts, all: false);

    private Formula Join(IEnumerable<Formula> parts, bool all)
    {
        var flat = new SortedDictionary<int, Formula>();
        Kinds kinds = all ? Kinds.All : Kinds.None;
        foreach (Formula part in parts.SelectMany(part => part is AllOf and && all ? and.Parts : part is AnyOf or && !all ? or.Parts : [part]))
        {
            _budget.Take(1);
            if (part is KindIs one) kinds = all ? kinds & one.Kinds : kinds | one.Kinds;
            else flat[part.Id] = part;
        }
        if (kinds == (all ? Kinds.None : Kinds.All)) return all ? False : True;
        // What is asked of a kind that the value cannot have is not asked; what it allows of one that is allowed anyway adds nothing.
        Formula[] left = [.. flat.Values.Where(part => !all || part is not Atom atom || (atom.Kind & kinds) != 0)];
        if (kinds != (all ? Kinds.All : Kinds.None)) left = [Kind(kinds), .. left];
        if (left.Length == 0) return all ? True : False;
        return left.Length == 1 ? left[0] : Known($"{(all ? '&' : '|')}{Ids(left)}", () => all ? new AllOf(left) : new AnyOf(left));
    }

    private static string Ids(IEnumerable<Formula> parts) => string.Join(',', parts.Select(part => part.Id));

    private Formula Known(string key, Func<Formula> make)
    {
        if (_known.TryGetValue(key, out Formula? formula)) return formula;
        _budget.Take(2);
        formula = make();
        formula.Id = _known.Count;
        return _known[key] = formula;
    }
}
