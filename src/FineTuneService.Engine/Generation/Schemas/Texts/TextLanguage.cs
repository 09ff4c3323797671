namespace FineTuneService.Engine.Generation.Schemas.Texts;

/// <summary>
/// A set of texts as one automaton over code points, from which nothing leads to where no text is accepted. Accepted texts have a label:
/// which of several kinds of text it is. Bounds on the length are counted beside the automaton, so that they cost no states.
/// </summary>
internal sealed class TextLanguage
{
    /// <summary>What <see cref="Only"/> says besides a code point.</summary>
    public const int Many = -1, End = -2;

    private readonly int[] _borders, _next, _labels;
    private readonly int[] _asciiClass = new int[128];
    private readonly ulong[][] _reach;
    private readonly bool[] _loose, _all;
    private readonly int[]? _lengthsFrom;
    private readonly int _longest;

    /// <param name="borders">Where classes of code points begin; the first is 0.</param>
    /// <param name="next">[states, classes], or -1.</param>
    /// <param name="labels">[states]: of the text that ends there, or -1.</param>
    /// <param name="least">Code points of a text, at least.</param>
    /// <exception cref="FormatException">The bounds and the automaton together are too large.</exception>
    public TextLanguage(int[] borders, int[] next, int[] labels, int least, int most)
    {
        (_borders, _next, _labels, Least, Most) = (borders, next, labels, least, most);
        for (int c = 0; c < 128; c++) _asciiClass[c] = Find(c);
        _reach = LabelReach.Of(next, labels, Classes);
        for (int i = 0; i < next.Length; i++)
        {
            if (next[i] >= 0 && !Array.Exists(_reach[next[i]], bits => bits != 0)) next[i] = -1;
        }
        _all = [.. Enumerable.Range(0, labels.Length).Select(state => labels[state] >= 0 && Enumerable.Range(0, Classes).All(c => IsSurrogates(c) || next[state * Classes + c] == state))];
        _loose = LabelReach.Loose(next, labels.Length, Classes, IsSurrogates);
        if ((least > 0 || most < int.MaxValue) && !(labels.Length > 0 && _all[0]))
        {
            _longest = most < int.MaxValue ? most : least + labels.Length;
            if ((long)_longest * labels.Length > SchemaLimits.AutomatonCells) throw new FormatException("has too many states together with minLength or maxLength");
            _lengthsFrom = LabelReach.LengthsFrom(next, labels, Classes, _longest);
        }
        IsEmpty = !Live(0, 0);
    }

    public int Least { get; }
    public int Most { get; }
    public bool IsEmpty { get; }
    private int Classes => _borders.Length;

    /// <summary>The state behind a code point, or -1 where no accepted text goes on so.</summary>
    /// <param name="count">Code points before it.</param>
    /// <param name="wanted">Labels that count; null: all.</param>
    public int Next(int state, int count, int codePoint, ulong[]? wanted)
    {
        int next = _next[state * Classes + (codePoint < 128 ? _asciiClass[codePoint] : Find(codePoint))];
        return next >= 0 && Live(next, count + 1) && (wanted is null || Bits.Meet(_reach[next], wanted)) ? next : -1;
    }

    /// <summary>Whether a text goes on with some code point of a range.</summary>
    public bool Any(int state, int count, int first, int last, ulong[]? wanted)
    {
        for (int c = Find(first); c < Classes && _borders[c] <= last; c++)
        {
            if (!IsSurrogates(c) && _next[state * Classes + c] is >= 0 and var next && Live(next, count + 1) && (wanted is null || Bits.Meet(_reach[next], wanted))) return true;
        }
        return false;
    }

    /// <summary>The label of the text that ends here, or -1.</summary>
    public int Label(int state, int count) => count >= Least && count <= Most ? _labels[state] : -1;

    /// <summary>Labels of the texts that may come of this one: bits.</summary>
    public ulong[] Reach(int state) => _reach[state];

    /// <summary>Labels that some text may come to however it has begun: bits.</summary>
    public ulong[] Always => field ??= _reach.Where(bits => Array.Exists(bits, word => word != 0)).Aggregate((ulong[]?)null, (all, bits) => all is null ? bits : [.. all.Zip(bits, (a, b) => a & b)]) ?? [];

    /// <summary>As much of a count as matters.</summary>
    public int Counted(int count) => Least == 0 && Most == int.MaxValue ? 0 : Most == int.MaxValue ? Math.Min(count, Least) : count;

    /// <summary>Code points that may follow, whatever they are; 0 where that depends on them.</summary>
    public int Free(int state, int count) => Most == int.MaxValue && _loose[state] ? int.MaxValue : _all[state] ? Math.Max(0, Most - count) : 0;

    /// <summary>The one code point that must follow, <see cref="End"/> where the text must end, else <see cref="Many"/>.</summary>
    /// <param name="wanted">Labels that count.</param>
    public int Only(int state, int count, ulong[]? wanted)
    {
        int label = Label(state, count), only = label >= 0 && (wanted is null || Bits.Has(wanted, label)) ? End : Many;
        for (int c = 0; c < Classes; c++)
        {
            int next = _next[state * Classes + c];
            if (next < 0 || IsSurrogates(c) || (wanted is not null && !Bits.Meet(_reach[next], wanted)) || !Live(next, count + 1)) continue;
            if (only != Many || (c + 1 < Classes ? _borders[c + 1] : CodePointSet.Last + 1) - _borders[c] > 1) return Many;
            only = _borders[c];
        }
        return only;
    }

    /// <summary>The code point that leads to an accepted text by the shortest way, <see cref="End"/> where it is one already, -1 where there is none, or none near. One of ASCII's where it can be.</summary>
    /// <param name="wanted">Labels that count; null: all.</param>
    /// <param name="looked">Places of the automaton that were looked at for it.</param>
    public int Nearest(int state, int count, ulong[]? wanted, out int looked)
    {
        looked = 1;
        // Where any text goes, what lacks is only its length.
        if (_all[state] && count <= Most && (wanted is null || Bits.Has(wanted, _labels[state]))) return count >= Least ? End : 'a';
        var seen = new HashSet<(int, int)> { (state, count) };
        var open = new Queue<(int State, int Count, int First)>([(state, count, Many)]);
        // It is asked while answers are decoded: an end that is far is none.
        for (; (looked += Classes) < SchemaLimits.NearestWork && open.TryDequeue(out var place);)
        {
            if (Label(place.State, place.Count) is >= 0 and var label && (wanted is null || Bits.Has(wanted, label))) return place.First == Many ? End : place.First;
            for (int c = 0; c < Classes; c++)
            {
                int next = _next[place.State * Classes + c], longer = Counted(place.Count + 1);
                if (next < 0 || IsSurrogates(c) || !Live(next, place.Count + 1) || !seen.Add((next, longer))) continue;
                open.Enqueue((next, longer, place.First == Many ? Shown(c) : place.First));
            }
        }
        return Many;
    }

    /// <summary>A code point of a class: one that needs no escape where there is any.</summary>
    private int Shown(int c)
    {
        int last = c + 1 < Classes ? _borders[c + 1] - 1 : CodePointSet.Last;
        return _borders[c] <= 'a' && last >= 'a' ? 'a' : _borders[c] < ' ' && last >= ' ' ? ' ' : _borders[c];
    }

    /// <summary>Whether so many texts are accepted.</summary>
    public bool HasAtLeast(long count)
    {
        if (IsEmpty) return false;
        if (_all[0] && Most > 3) return true; // There are 10^18 texts of three code points.
        double found = 0;
        var ways = new double[_labels.Length];
        ways[0] = 1;
        int longest = Most == int.MaxValue ? Least + _labels.Length + 1 : Math.Min(Most, Least + _labels.Length + 1);
        for (int length = 0; length <= longest && found < count; length++)
        {
            var longer = new double[ways.Length];
            for (int state = 0; state < ways.Length; state++)
            {
                if (ways[state] == 0) continue;
                if (Label(state, length) >= 0) found += ways[state];
                for (int c = 0; c < Classes; c++)
                {
                    if (!IsSurrogates(c) && _next[state * Classes + c] is >= 0 and var next) longer[next] += ways[state] * ((c + 1 < Classes ? _borders[c + 1] : CodePointSet.Last + 1) - _borders[c]);
                }
            }
            ways = longer;
        }
        return found >= count || (Most == int.MaxValue && ways.Any(way => way > 0));
    }

    /// <summary>Whether a text can be accepted that has come so far.</summary>
    private bool Live(int state, int count)
    {
        if (state >= _labels.Length || !Array.Exists(_reach[state], bits => bits != 0)) return false;
        if (count > Most) return false;
        if (_lengthsFrom is null) return Least <= Most;
        int least = Math.Max(0, Least - count), most = Math.Min(_longest, Most == int.MaxValue ? _longest : Most - count);
        return least <= most && _lengthsFrom[least * _labels.Length + state] <= most;
    }

    private bool IsSurrogates(int c) => _borders[c] is >= 0xD800 and < 0xE000;

    private int Find(int codePoint) => Array.BinarySearch(_borders, codePoint) is var at && at >= 0 ? at : ~at - 1;
}
