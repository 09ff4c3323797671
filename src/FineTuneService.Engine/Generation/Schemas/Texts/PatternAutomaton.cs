namespace FineTuneService.Engine.Generation.Schemas.Texts;

/// <summary>Texts in which a pattern is found somewhere. Thompson's construction, made deterministic state by state.</summary>
internal sealed class PatternAutomaton : TextAutomaton
{
    private readonly List<(CodePointSet? Set, int To, int Other, bool? Edge)> _nodes = [];
    private readonly List<int[]> _states = [];
    private readonly Dictionary<string, int> _known = [];
    private readonly HashSet<int> _borders = [];
    private readonly int _accept;
    private readonly int _search;
    private long _work;

    /// <exception cref="FormatException">It is too large.</exception>
    public PatternAutomaton(PatternTree tree)
    {
        _accept = Add(null, -1, -1, null);
        int begin = Build(tree, _accept);
        // The pattern may begin at any place: any character leads back here.
        _search = Add(null, -1, begin, null);
        int any = Add(CodePointSet.All, _search, -1, null);
        _nodes[_search] = (null, any, begin, null);
        StateOf([_search], atStart: true);
    }

    public override IReadOnlyCollection<int> Borders => _borders;

    public override long Work => _work;

    public override int Next(int state, int codePoint)
    {
        var next = new HashSet<int>();
        foreach (int node in _states[state])
        {
            if (node == _accept) return state; // Found: whatever follows, it is.
            if (_nodes[node].Set?.Contains(codePoint) == true) next.Add(_nodes[node].To);
        }
        return StateOf(next, atStart: false);
    }

    public override bool Accepts(int state) => Closure(_states[state], atStart: false, atEnd: true).Contains(_accept);

    private int StateOf(IEnumerable<int> nodes, bool atStart)
    {
        HashSet<int> closure = Closure(nodes, atStart, atEnd: false);
        int[] state = closure.Contains(_accept) ? [_accept] : [.. closure.Where(node => _nodes[node].Set is not null || _nodes[node].Edge == true).Order()];
        string key = string.Join(',', state);
        if (_known.TryGetValue(key, out int known)) return known;
        _known[key] = _states.Count;
        _states.Add(state);
        return _states.Count - 1;
    }

    private HashSet<int> Closure(IEnumerable<int> from, bool atStart, bool atEnd)
    {
        var seen = new HashSet<int>();
        var open = new Stack<int>(from);
        while (open.TryPop(out int node))
        {
            if (node < 0 || !seen.Add(node)) continue;
            _work++;
            (CodePointSet? set, int to, int other, bool? edge) = _nodes[node];
            if (set is not null || (edge == false && !atStart) || (edge == true && !atEnd)) continue;
            open.Push(to);
            open.Push(other);
        }
        return seen;
    }

    private int Build(PatternTree tree, int then)
    {
        switch (tree)
        {
            case OneOf one:
                foreach ((int first, int last) in one.Set.Ranges)
                {
                    _borders.Add(first);
                    _borders.Add(last + 1);
                }
                return Add(one.Set, then, -1, null);
            case Edge edge:
                return Add(null, then, -1, edge.IsEnd);
            case InOrder sequence:
                for (int i = sequence.Parts.Count - 1; i >= 0; i--) then = Build(sequence.Parts[i], then);
                return then;
            case Either either:
                int branch = Build(either.Parts[^1], then);
                for (int i = either.Parts.Count - 2; i >= 0; i--) branch = Add(null, Build(either.Parts[i], then), branch, null);
                return branch;
            case Repeat repeat:
                if (repeat.Most == int.MaxValue)
                {
                    int loop = Add(null, -1, then, null);
                    _nodes[loop] = (null, Build(repeat.Part, loop), then, null);
                    then = loop;
                }
                else
                {
                    int end = then;
                    for (int i = repeat.Least; i < repeat.Most; i++) then = Add(null, Build(repeat.Part, then), end, null);
                }
                for (int i = 0; i < repeat.Least; i++) then = Build(repeat.Part, then);
                return then;
            default:
                throw new NotSupportedException(tree.ToString());
        }
    }

    private int Add(CodePointSet? set, int to, int other, bool? edge)
    {
        if (_nodes.Count >= SchemaLimits.PatternNodes) throw new FormatException("is too large: its counts multiply");
        _nodes.Add((set, to, other, edge));
        return _nodes.Count - 1;
    }
}
