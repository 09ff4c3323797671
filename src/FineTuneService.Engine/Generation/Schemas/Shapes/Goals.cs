using FineTuneService.Engine.Generation.Schemas.Formulas;
using FineTuneService.Engine.Generation.Schemas.Keywords;
using FineTuneService.Engine.Generation.Schemas.Numbers;
using FineTuneService.Engine.Generation.Schemas.Texts;

namespace FineTuneService.Engine.Generation.Schemas.Shapes;

/// <summary>A schema's goals, each made once, and which of them have values at all.</summary>
internal sealed class Goals(SchemaReader reader, SchemaBudget budget)
{
    private readonly Dictionary<int, Goal> _goals = [];
    private readonly Queue<Goal> _unseen = new();
    private readonly HashSet<Goal> _asked = [];
    private bool _provisional;

    public FormulaSpace Space => reader.Space;
    public Typing Typing { get; } = new(reader, budget);
    public SchemaOptions Options => reader.Options;
    public SchemaBudget Budget => budget;

    public Goal Of(Formula formula)
    {
        if (_goals.TryGetValue(formula.Id, out Goal? known)) return known;
        budget.Take(10);
        Kinds words = ((Kinds[])[Kinds.Null, Kinds.True, Kinds.False]).Where(kind => Typing.Of(formula, kind) != Space.False).Aggregate(Kinds.None, (all, kind) => all | kind);
        NumberSet? numbers = Typing.Of(formula, Kinds.Number) == Space.False ? null : Typing.Numbers(formula);
        TextLanguage? texts = Typing.Of(formula, Kinds.Text) == Space.False ? null : Typing.Texts(formula);
        var goal = new Goal(formula, words, numbers is { IsEmpty: false } ? numbers : null, texts is { IsEmpty: false } ? texts : null) { IsAnything = formula == Space.True };
        _goals[formula.Id] = goal;
        goal.Arrays = [.. Typing.Alternatives(formula, Kinds.Array).Select(atoms => ArrayShape.Of(this, atoms)).OfType<ArrayShape>()];
        goal.Objects = [.. Typing.Alternatives(formula, Kinds.Object).Select(atoms => ObjectShape.Of(this, atoms)).OfType<ObjectShape>()];
        _unseen.Enqueue(goal);
        return goal;
    }

    /// <summary>Makes all goals that a text may come to, so that what cannot be followed is refused before anything is generated.</summary>
    public void Explore()
    {
        while (_unseen.TryDequeue(out Goal? goal))
        {
            foreach (ArrayShape array in goal.Arrays) array.Explore();
            foreach (ObjectShape shape in goal.Objects) shape.Explore();
        }
        foreach (Goal goal in _goals.Values.ToArray()) HasValues(goal);
    }

    /// <summary>
    /// Whether a goal has a value. A value is finite: while a goal is asked it counts as empty, and what was answered under that
    /// assumption alone is not kept.
    /// </summary>
    public bool HasValues(Goal goal)
    {
        if (goal.HasValues is { } known) return known;
        if (goal.Words != Kinds.None || goal.Numbers is not null || goal.Texts is not null) return (goal.HasValues = true).Value;
        if (!_asked.Add(goal))
        {
            _provisional = true;
            return false;
        }
        if (_asked.Count > SchemaLimits.Chain) throw new SchemaException("#", "required", $"leads through more than {SchemaLimits.Chain} schemas, each of which needs the next");
        budget.Take(5);
        bool outer = _provisional;
        _provisional = false;
        bool has = goal.Arrays.Any(array => array.CanFinish(array.Start)) || goal.Objects.Any(shape => shape.CanFinish(shape.Start));
        _asked.Remove(goal);
        if (has || !_provisional || _asked.Count == 0) goal.HasValues = has;
        _provisional = outer || (_provisional && !has && _asked.Count > 0);
        return has;
    }

    public bool HasValues(Formula formula) => formula != Space.False && HasValues(Of(formula));

    /// <summary>Whether answers may be kept: none is asked under an assumption.</summary>
    public bool IsSettled => _asked.Count == 0;
}
