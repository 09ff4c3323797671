using FineTuneService.Engine.Generation.Schemas.Formulas;

namespace FineTuneService.Engine.Generation.Schemas.Shapes;

/// <summary>One way that an array may be. Where it must contain items, each item either counts for that or not: the ways are followed side by side.</summary>
internal sealed class ArrayShape
{
    private const int MostContained = 6, LongestCounted = 2_000;

    private readonly Goals _goals;
    private readonly ItemsAre[] _items;
    private readonly SomeItems[] _contained;
    private readonly int _least, _most, _same;
    private readonly Dictionary<string, ArrayState> _states = [];

    private ArrayShape(Goals goals, Atom[] atoms)
    {
        _goals = goals;
        _items = [.. atoms.OfType<ItemsAre>()];
        _contained = [.. atoms.OfType<SomeItems>()];
        IsUnique = atoms.OfType<ItemsDiffer>().Any();
        _least = atoms.OfType<CountIn>().Select(count => count.Least).Append(0).Max();
        _most = atoms.OfType<CountIn>().Select(count => count.Most).Append(int.MaxValue).Min();
        // From here on one place is as the next.
        _same = _contained.SelectMany(some => new[] { some.From, some.To == int.MaxValue ? 0 : some.To }).Concat(_items.Select(items => items.First.Length)).Append(_least).Append(_most == int.MaxValue ? 0 : _most).Max();
        Start = State(0, new int[_contained.Length]);
    }

    public ArrayState Start { get; }

    /// <summary>No two items may be equal.</summary>
    public bool IsUnique { get; }

    /// <summary>Whether there is always something more that an array like this can have.</summary>
    public bool IsOpen => _most == int.MaxValue && _contained.All(some => some.Most == int.MaxValue) && _goals.HasValues(Base(_same));

    /// <returns>Null where the bounds contradict each other.</returns>
    /// <exception cref="SchemaException">It cannot be followed.</exception>
    public static ArrayShape? Of(Goals goals, Atom[] atoms)
    {
        var shape = new ArrayShape(goals, atoms);
        if (shape._least > shape._most) return null;
        if (shape._contained.Length > MostContained) throw new SchemaException("#", "contains", $"is asked for in more than {MostContained} ways at once");
        long counted = shape._contained.Sum(some => (long)some.Least + (some.Most == int.MaxValue ? 0 : some.Most));
        if (shape._contained.Length > 0 && (counted > LongestCounted || shape._same > LongestCounted)) throw new SchemaException("#", "contains", $"is counted beyond {LongestCounted} items");
        return shape;
    }

    public bool CanClose(ArrayState state)
    {
        if (state.Index < _least) return false;
        for (int i = 0; i < _contained.Length; i++)
        {
            if (state.Counts[i] < _contained[i].Least) return false;
        }
        return true;
    }

    /// <summary>What the next item may be. Only ways that can be gone to the array's end.</summary>
    public IReadOnlyList<(Goal Item, ArrayState Next)> Options(ArrayState state)
    {
        if (state.Options is { } known) return known;
        (Goal, ArrayState)[] options = [.. Choices(state).Select(choice => (_goals.Of(choice.Item), choice.Next)).Where(choice => _goals.HasValues(choice.Item1) && CanFinish(choice.Next))];
        if (_goals.IsSettled) state.Options = options;
        return options;
    }

    /// <summary>Whether an array that has come so far can be ended.</summary>
    public bool CanFinish(ArrayState state)
    {
        if (state.CanFinish is { } known) return known;
        bool can = _contained.Length == 0 ? HasEnough(state) : Leads(state);
        if (_goals.IsSettled) state.CanFinish = can;
        return can;
    }

    public void Explore()
    {
        int places = _contained.Length == 0 ? _items.Select(items => items.First.Length).Append(0).Max() : _same;
        for (int place = 0; place <= places; place++)
        {
            foreach ((Formula item, _) in Choices(State(place, new int[_contained.Length]), all: true)) _goals.Of(item);
        }
        if (IsUnique) UniqueItems.Check(_contained, [.. Enumerable.Range(0, places + 1).Select(place => _goals.Of(Base(place)))], _least);
    }

    private bool HasEnough(ArrayState state)
    {
        int places = _items.Select(items => items.First.Length).Append(0).Max();
        for (int i = state.Index; i < _least && i <= places; i++)
        {
            if (!_goals.HasValues(Base(i))) return false;
        }
        return state.Index >= _least || _least <= places || _goals.HasValues(Base(places));
    }

    private bool Leads(ArrayState from)
    {
        var seen = new HashSet<ArrayState> { from };
        var open = new Stack<ArrayState>([from]);
        while (open.TryPop(out ArrayState? state))
        {
            if (CanClose(state)) return true;
            foreach ((Formula item, ArrayState next) in Choices(state))
            {
                if (!seen.Contains(next) && _goals.HasValues(item) && seen.Add(next)) open.Push(next);
            }
        }
        return false;
    }

    private Formula Base(int place) => _goals.Space.And(_items.Select(items => place < items.First.Length ? items.First[place] : items.Rest));

    /// <param name="all">Counts that have been reached are asked for again.</param>
    private IEnumerable<(Formula Item, ArrayState Next)> Choices(ArrayState state, bool all = false)
    {
        if (state.Index >= _most) return [];
        List<(Formula Item, int[] Counts)> ways = [(Base(state.Index), state.Counts)];
        for (int i = 0; i < _contained.Length; i++)
        {
            SomeItems some = _contained[i];
            if (state.Index < some.From || state.Index >= some.To) continue;
            ways = [.. ways.SelectMany(way => Counted(way, some, i, all)).Where(way => way.Item != _goals.Space.False)];
        }
        return ways.Select(way => (way.Item, State(state.Index + 1, way.Counts)));
    }

    private IEnumerable<(Formula Item, int[] Counts)> Counted((Formula Item, int[] Counts) way, SomeItems some, int place, bool all)
    {
        bool exact = some.Most < int.MaxValue;
        if (!all && !exact && way.Counts[place] >= some.Least) return [way];
        var counts = (int[])way.Counts.Clone();
        counts[place]++;
        Formula holds = _goals.Space.And(way.Item, some.Item);
        (Formula, int[])[] counted = all || !exact || counts[place] <= some.Most ? [(holds, counts)] : [];
        if (!exact && holds == way.Item) return counted; // It counts anyway.
        return [.. counted, exact ? (_goals.Space.And(way.Item, _goals.Space.Not(some.Item)), way.Counts) : way];
    }

    private ArrayState State(int index, int[] counts)
    {
        index = Math.Min(index, _same);
        string key = $"{index}:{string.Join(',', counts)}";
        return _states.TryGetValue(key, out ArrayState? state) ? state : _states[key] = new ArrayState(index, counts);
    }
}
