namespace FineTuneService.Engine.Datasets;

/// <summary>What the numbers of tokens of a file's rows come to.</summary>
/// <param name="counts">Tokens of each row; at least one row.</param>
public sealed class TokenStatistics(IEnumerable<int> counts)
{
    /// <summary>Where the bars of a histogram begin that nobody asked otherwise for; the last is open.</summary>
    public static IReadOnlyList<int> Edges { get; } = [0, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192];

    private readonly int[] _sorted = [.. counts.Order()];

    public int Rows => _sorted.Length;

    public long Sum => _sorted.Sum(count => (long)count);

    public int Min => _sorted[0];

    public int Max => _sorted[^1];

    public double Mean => (double)Sum / Rows;

    /// <summary>Of all rows, not an estimate from a sample.</summary>
    public double StandardDeviation
    {
        get
        {
            double mean = Mean;
            return Math.Sqrt(_sorted.Sum(count => (count - mean) * (count - mean)) / Rows);
        }
    }

    /// <summary>Between the two rows that it falls between, as numpy has it.</summary>
    /// <param name="percent">0 to 100.</param>
    public double Percentile(double percent)
    {
        double place = percent / 100 * (Rows - 1);
        int below = Math.Min((int)place, Rows - 1), above = Math.Min(below + 1, Rows - 1);
        return _sorted[below] + (place - below) * (_sorted[above] - _sorted[below]);
    }

    /// <summary>The row's that at least so many percent of the rows are not longer than.</summary>
    public int NearestRank(int percent) => _sorted[Math.Max(0, (int)(((long)Rows * percent + 99) / 100) - 1)];

    /// <summary>Rows from each edge on, below the next; from the last one on.</summary>
    public int[] Histogram(IReadOnlyList<int> edges)
    {
        int[] below = [.. edges.Select(edge => Rows - Over(edge - 1)), Rows];
        return [.. edges.Select((_, i) => below[i + 1] - below[i])];
    }

    /// <summary>Rows with more tokens than so many.</summary>
    public int Over(int tokens)
    {
        int low = 0, high = Rows;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_sorted[middle] > tokens) high = middle;
            else low = middle + 1;
        }
        return Rows - low;
    }

    /// <summary>Tokens that are left where rows are cut after so many.</summary>
    public long Kept(int tokens) => _sorted.Sum(count => (long)Math.Min(count, tokens));
}
