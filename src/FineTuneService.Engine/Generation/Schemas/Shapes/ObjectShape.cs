using System.Numerics;
using FineTuneService.Engine.Generation.Schemas.Formulas;
using FineTuneService.Engine.Generation.Schemas.Texts;

namespace FineTuneService.Engine.Generation.Schemas.Shapes;

/// <summary>One way that an object may be. Its keys are of kinds: each known name is one, and the others by the patterns that they fit.</summary>
internal sealed class ObjectShape
{
    private const int MostWanted = 6, FewestNames = 1_000;

    private readonly Goals _goals;
    private readonly ObjectKeys _keys;
    private readonly SomeProperty[] _wanted;
    private readonly ulong[] _required;
    private readonly int _least, _most;
    private readonly bool _ordered;
    private readonly Dictionary<string, ObjectState> _states = [];

    private ObjectShape(Goals goals, Atom[] atoms)
    {
        _goals = goals;
        _keys = new ObjectKeys(goals, atoms);
        _wanted = [.. atoms.OfType<SomeProperty>()];
        _least = atoms.OfType<CountIn>().Select(count => count.Least).Append(0).Max();
        _most = atoms.OfType<CountIn>().Select(count => count.Most).Append(int.MaxValue).Min();
        _ordered = goals.Options.Plain;
        _required = new ulong[_keys.Known / 64 + 1];
        foreach (HasProperty has in atoms.OfType<HasProperty>()) Bits.Set(_required, _keys.IndexOf(has.Name));
        Start = State(new ulong[_keys.Known / 64 + 1], -1, 0, 0);
    }

    public ObjectState Start { get; }
    public TextLanguage Keys => _keys.Language;

    /// <summary>Names that are not known beforehand must be remembered, lest one that comes twice is counted twice.</summary>
    public bool RemembersNames => _least > 0 || _wanted.Length > 0;

    public bool IsKnown(int kind) => kind < _keys.Known;

    /// <summary>Whether there is always another property that an object like this can have.</summary>
    public bool IsOpen => _most == int.MaxValue && _keys.HasManyOthers(FewestNames);

    /// <returns>Null where it contradicts itself.</returns>
    /// <exception cref="SchemaException">It cannot be followed.</exception>
    public static ObjectShape? Of(Goals goals, Atom[] atoms)
    {
        var shape = new ObjectShape(goals, atoms);
        if (shape._wanted.Length > MostWanted) throw new SchemaException("#", "not", $"asks for more than {MostWanted} properties that are not as some schema says");
        return shape._least > shape._most || shape.Missing(shape.Start).Any(name => shape._keys.Value(name) == goals.Space.False) ? null : shape;
    }

    public bool CanClose(ObjectState state)
    {
        for (int i = 0; i < _required.Length; i++)
        {
            if ((_required[i] & ~state.Seen[i]) != 0) return false;
        }
        return state.Count >= _least && state.Found == (1 << _wanted.Length) - 1;
    }

    public ulong[] Usable(ObjectState state)
    {
        if (state.Usable is { } known) return known;
        var usable = new ulong[_keys.Kinds / 64 + 1];
        for (int kind = 0; kind < _keys.Kinds; kind++)
        {
            if (Options(state, kind).Count > 0) Bits.Set(usable, kind);
        }
        return state.Usable = usable;
    }

    /// <summary>Kinds of key that must still come, or, where it is only their number that lacks, all that may: bits.</summary>
    public ulong[] Needed(ObjectState state)
    {
        ulong[] usable = Usable(state), needed = [.. usable.Select((bits, i) => i < _required.Length ? bits & _required[i] : 0)];
        return Array.Exists(needed, bits => bits != 0) ? needed : usable;
    }

    /// <summary>Whether any text at all may go on to be the next name.</summary>
    public bool HasFreeNames(ObjectState state) => Bits.Meet(Usable(state), Keys.Always);

    /// <summary>What the value under a key of some kind may be; none where such a key may not come.</summary>
    public IReadOnlyList<(Goal Value, ObjectState Next)> Options(ObjectState state, int kind)
    {
        if (state.Options.TryGetValue(kind, out var known)) return known;
        var options = new List<(Goal, ObjectState)>();
        foreach ((Formula value, ObjectState next) in Choices(state, kind))
        {
            if (_goals.HasValues(value) && CanFinish(next)) options.Add((_goals.Of(value), next));
        }
        return state.Options[kind] = options;
    }

    public bool CanFinish(ObjectState state)
    {
        if (state.CanFinish is { } known) return known;
        bool can = Finishes(state);
        if (_goals.IsSettled) state.CanFinish = can;
        return can;
    }

    public void Explore()
    {
        for (int kind = 0; kind < _keys.Kinds; kind++)
        {
            foreach ((Formula value, _) in Choices(Start, kind, anyOrder: true)) _goals.Of(value);
        }
        if (RemembersNames && _keys.Kinds > _keys.Known && !_keys.HasManyOthers(FewestNames) && _keys.HasOthers)
            throw new SchemaException("#", "minProperties", "or a 'not' around properties cannot be followed where patternProperties or propertyNames leave few names");
    }

    private IEnumerable<(Formula Value, ObjectState Next)> Choices(ObjectState state, int kind, bool anyOrder = false)
    {
        bool known = IsKnown(kind);
        if (state.Count >= _most || (known && (Bits.Has(state.Seen, kind) || (_ordered && !anyOrder && kind <= state.Last)))) yield break;
        Formula value = _keys.Value(kind);
        if (value == _goals.Space.False) yield break;
        var seen = (ulong[])state.Seen.Clone();
        if (known) Bits.Set(seen, kind);
        int last = !_ordered ? -1 : known ? kind : _keys.Known, open = _keys.Wanted(kind) & ~state.Found;
        var asked = new HashSet<int>();
        // The most first: to ask the same for less is no way of its own.
        for (int found = open; ; found = (found - 1) & open)
        {
            Formula asks = _goals.Space.And(Enumerable.Range(0, _wanted.Length).Where(i => (found >> i & 1) != 0).Select(i => _wanted[i].Value).Prepend(value));
            if (asks != _goals.Space.False && asked.Add(asks.Id)) yield return (asks, State(seen, last, state.Count + 1, state.Found | found));
            if (found == 0) yield break;
        }
    }

    private IEnumerable<int> Missing(ObjectState state) => Enumerable.Range(0, _keys.Known).Where(name => Bits.Has(_required, name) && !Bits.Has(state.Seen, name));

    private bool Finishes(ObjectState state)
    {
        int[] missing = [.. Missing(state)];
        if (_ordered && missing.Any(name => name <= state.Last)) return false;
        if ((long)state.Count + missing.Length > _most || missing.Any(name => !_goals.HasValues(_keys.Value(name)))) return false;
        int spare = _most == int.MaxValue ? int.MaxValue : _most - state.Count - missing.Length;
        int wanted = ((1 << _wanted.Length) - 1) & ~state.Found;
        if (wanted != 0 && !CanFind(state, wanted, missing.ToDictionary(name => name, name => _keys.Value(name)), spare)) return false;
        long short_ = _least - (long)state.Count - missing.Length;
        if (short_ <= 0) return true;
        int optional = Enumerable.Range(0, _keys.Known).Count(name => !Bits.Has(state.Seen, name) && !missing.Contains(name) && (!_ordered || name > state.Last) && _goals.HasValues(_keys.Value(name)));
        return optional >= short_ || _keys.HasManyOthers(FewestNames);
    }

    /// <summary>Whether properties can be added that are what is wanted still.</summary>
    /// <param name="planned">Values of known names that will come, by name; of other names under numbers below 0.</param>
    private bool CanFind(ObjectState state, int wanted, Dictionary<int, Formula> planned, int spare)
    {
        if (wanted == 0) return planned.Values.All(_goals.HasValues);
        int first = BitOperations.TrailingZeroCount(wanted), rest = wanted & (wanted - 1);
        for (int kind = 0; kind < _keys.Kinds; kind++)
        {
            if ((_keys.Wanted(kind) >> first & 1) == 0) continue;
            bool known = IsKnown(kind), there = known && planned.ContainsKey(kind);
            if (known && !there && (Bits.Has(state.Seen, kind) || (_ordered && kind <= state.Last))) continue;
            int key = known ? kind : -1 - first - kind * MostWanted;
            if (!there && spare == 0) continue;
            var more = new Dictionary<int, Formula>(planned) { [key] = _goals.Space.And(there ? planned[kind] : _keys.Value(kind), _wanted[first].Value) };
            if (_goals.HasValues(more[key]) && CanFind(state, rest, more, there ? spare : spare - 1)) return true;
        }
        return false;
    }

    private ObjectState State(ulong[] seen, int last, int count, int found)
    {
        count = _most < int.MaxValue ? count : Math.Min(count, _least);
        string key = $"{string.Join(',', seen)}:{last}:{count}:{found}";
        return _states.TryGetValue(key, out ObjectState? state) ? state : _states[key] = new ObjectState(seen, last, count, found);
    }
}
