using FineTuneService.Engine.Generation.Schemas.Formulas;
using FineTuneService.Engine.Generation.Schemas.Keywords;
using FineTuneService.Engine.Generation.Schemas.Numbers;
using FineTuneService.Engine.Generation.Schemas.Texts;

namespace FineTuneService.Engine.Generation.Schemas.Shapes;

/// <summary>What a formula asks of values of one kind: references are followed, and of its atoms those of that kind are left.</summary>
internal sealed class Typing(SchemaReader reader, SchemaBudget budget)
{
    private const int MostPieces = 1024;

    private readonly Dictionary<(int, Kinds), Formula> _typed = [];
    private readonly HashSet<(string, bool)> _following = [];

    private FormulaSpace Space => reader.Space;

    /// <returns>True, false, or all and any of atoms.</returns>
    /// <exception cref="SchemaException">It refers to itself without end.</exception>
    public Formula Of(Formula formula, Kinds kind)
    {
        if (_typed.TryGetValue((formula.Id, kind), out Formula? known)) return known;
        budget.Take(1);
        return _typed[(formula.Id, kind)] = formula switch
        {
            KindIs kinds => (kinds.Kinds & kind) != 0 ? Space.True : Space.False,
            Atom atom => atom.Kind == kind ? atom : Space.True,
            AllOf all => Space.And(all.Parts.Select(part => Of(part, kind))),
            AnyOf any => Space.Or(any.Parts.Select(part => Of(part, kind))),
            Refer refer => Follow(refer, kind),
            _ => throw new NotSupportedException(formula.ToString()),
        };
    }

    public NumberSet Numbers(Formula formula) => new(Pieces(Of(formula, Kinds.Number)), reader.Options.Plain);

    /// <exception cref="SchemaException">The automaton is too large.</exception>
    public TextLanguage Texts(Formula formula)
    {
        Formula typed = Of(formula, Kinds.Text);
        (int least, int most) = (0, int.MaxValue);
        // Bounds on the length that always hold are counted; the others are automata.
        foreach (LengthIn length in Conjuncts(typed).OfType<LengthIn>()) (least, most) = (Math.Max(least, length.Least), Math.Min(most, length.Most));
        typed = Space.And(Conjuncts(typed).Where(part => part is not LengthIn));
        var automata = new TextAutomata();
        automata.Add(typed);
        try
        {
            return LanguageBuilder.Build(automata.All, states => automata.Holds(typed, states) ? 0 : -1, least, most, budget);
        }
        catch (FormatException large)
        {
            throw new SchemaException("#", "pattern", large.Message);
        }
    }

    /// <summary>Ways in which the formula holds, each as the atoms that it takes.</summary>
    /// <exception cref="SchemaException">There are too many.</exception>
    public List<Atom[]> Alternatives(Formula formula, Kinds kind)
    {
        List<Atom[]> ways = [.. Ways(Of(formula, kind))];
        // One that asks more than another adds nothing.
        return ways.Count < 2 ? ways : [.. ways.Where((way, i) => !ways.Where((other, j) => j != i && other.Length <= way.Length && (other.Length < way.Length || j < i) && other.All(way.Contains)).Any())];
    }

    private List<Atom[]> Ways(Formula typed)
    {
        if (typed is Atom atom) return [[atom]];
        if (typed is KindIs kinds) return kinds == Space.True ? [[]] : [];
        if (typed is AnyOf any) return Bounded([.. any.Parts.SelectMany(Ways)]);
        List<Atom[]> ways = [[]];
        foreach (Formula part in ((AllOf)typed).Parts)
        {
            List<Atom[]> more = Ways(part);
            budget.Take(ways.Count * more.Count);
            ways = Bounded([.. ways.SelectMany(way => more.Select(other => way.Union(other).ToArray()))]);
        }
        return ways;
    }

    private static List<Atom[]> Bounded(List<Atom[]> ways)
    {
        var known = new HashSet<string>();
        List<Atom[]> distinct = [.. ways.Where(way => known.Add(string.Join(',', way.Select(atom => atom.Id).Order())))];
        return distinct.Count <= SchemaLimits.Alternatives ? distinct
            : throw new SchemaException("#", "schema", $"allows a value in more than {SchemaLimits.Alternatives} ways: its anyOf, oneOf, not, if and dependencies multiply");
    }

    private List<NumberPiece> Pieces(Formula typed)
    {
        if (typed is NumberIn number) return [number.Piece];
        if (typed is KindIs kinds) return kinds == Space.True ? [NumberPiece.All] : [];
        if (typed is AnyOf any) return [.. any.Parts.SelectMany(Pieces).Distinct()];
        List<NumberPiece> pieces = [NumberPiece.All];
        foreach (Formula part in ((AllOf)typed).Parts.OrderBy(part => part is AnyOf))
        {
            List<NumberPiece> more = Pieces(part);
            budget.Take(pieces.Count * more.Count);
            pieces = [.. pieces.SelectMany(piece => more.Select(piece.And)).Where(piece => !piece.IsEmpty()).Distinct()];
            if (pieces.Count > MostPieces) throw new SchemaException("#", "enum", "leaves numbers in too many pieces");
        }
        return pieces;
    }

    private Formula Follow(Refer refer, Kinds kind)
    {
        if (_following.Count > SchemaLimits.Chain) throw refer.Node.Refused("$ref", $"is the last of more than {SchemaLimits.Chain} that lead one to the next");
        if (!_following.Add((refer.Node.Path, refer.Negated))) throw refer.Node.Refused("$ref", "refers to itself without end");
        try
        {
            Formula read = reader.Read(refer.Node);
            return Of(refer.Negated ? Negated(read, refer.Node) : read, kind);
        }
        finally
        {
            _following.Remove((refer.Node.Path, refer.Negated));
        }
    }

    private Formula Negated(Formula formula, SchemaNode node)
    {
        try
        {
            return Space.Not(formula);
        }
        catch (SchemaException bad) when (bad.Path == "#")
        {
            throw node.Refused(bad.Keyword, bad.Message[(bad.Message.IndexOf("' ", StringComparison.Ordinal) + 2)..]);
        }
    }

    private static IEnumerable<Formula> Conjuncts(Formula typed) => typed is AllOf all ? all.Parts : [typed];
}
