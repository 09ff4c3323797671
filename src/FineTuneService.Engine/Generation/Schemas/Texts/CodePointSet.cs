namespace FineTuneService.Engine.Generation.Schemas.Texts;

/// <summary>A set of Unicode's code points, as ranges in order, first and last included.</summary>
internal sealed class CodePointSet
{
    public const int Last = 0x10FFFF;

    private CodePointSet(IReadOnlyList<(int First, int Last)> ranges) => Ranges = ranges;

    public IReadOnlyList<(int First, int Last)> Ranges { get; }

    public static CodePointSet All { get; } = Of((0, Last));

    public static CodePointSet Of(params (int First, int Last)[] ranges)
    {
        var joined = new List<(int First, int Last)>();
        foreach ((int first, int last) in ranges.Where(range => range.First <= range.Last).OrderBy(range => range.First))
        {
            if (joined.Count > 0 && first <= joined[^1].Last + 1) joined[^1] = (joined[^1].First, Math.Max(joined[^1].Last, last));
            else joined.Add((first, last));
        }
        return new CodePointSet(joined);
    }

    public static CodePointSet OfCharacters(string characters) => Of([.. characters.Select(c => ((int)c, (int)c))]);

    public CodePointSet Or(CodePointSet other) => Of([.. Ranges, .. other.Ranges]);

    public CodePointSet Not()
    {
        var gaps = new List<(int, int)>();
        int next = 0;
        foreach ((int first, int last) in Ranges)
        {
            if (first > next) gaps.Add((next, first - 1));
            next = last + 1;
        }
        if (next <= Last) gaps.Add((next, Last));
        return new CodePointSet(gaps);
    }

    public bool Contains(int codePoint)
    {
        (int low, int high) = (0, Ranges.Count);
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (Ranges[middle].Last < codePoint) low = middle + 1;
            else high = middle;
        }
        return low < Ranges.Count && Ranges[low].First <= codePoint;
    }
}
