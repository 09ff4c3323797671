using FineTuneService.Engine.Datasets;

namespace FineTuneService.Validation;

/// <summary>How long a file's rows are, and what of them is cut.</summary>
/// <param name="longest">Tokens after which a row is cut.</param>
internal sealed class RowCounts(RowEncoder encoder, int longest)
{
    private const int LinesShown = 100;

    private readonly List<int> _lengths = [], _cutLines = [];
    private int _cutRows;
    private long _cutTokens;
    private TokenStatistics? _statistics;

    public int Rows => _lengths.Count;

    /// <summary>That are trained on.</summary>
    public long Tokens { get; private set; }

    /// <summary>That carry loss.</summary>
    public long TrainedTokens { get; private set; }

    public LengthsBody? Lengths => Statistics is { } all ? new LengthsBody(all.Min, Math.Round(all.Mean, 2), all.Percentile(50), all.Percentile(95), all.Max) : null;

    /// <summary>From the shortest row's bar to the longest's.</summary>
    public IReadOnlyList<LengthBar> Histogram
    {
        get
        {
            if (Statistics is not { } all) return [];
            LengthBar[] bars = [.. TokenStatistics.Edges.Zip(all.Histogram(TokenStatistics.Edges), (edge, rows) => new LengthBar(edge, rows))];
            return bars[Array.FindIndex(bars, bar => bar.Rows > 0)..(Array.FindLastIndex(bars, bar => bar.Rows > 0) + 1)];
        }
    }

    public TruncationBody Truncation => new(longest, _cutRows, _cutTokens, _cutLines);

    /// <param name="kept">The row as it is trained on.</param>
    /// <returns>Tokens that it has lost.</returns>
    public int Add(DatasetRow row, TrainingRow kept)
    {
        // A shorter one is whole.
        TrainingRow whole = kept.Longest < longest ? kept : encoder.Whole(row);
        int cut = All(whole) - All(kept);
        _lengths.Add(whole.Longest);
        Tokens += All(kept);
        TrainedTokens += Learnt(kept) + (kept.Rejected is { } rejected ? Learnt(rejected) : 0);
        if (cut <= 0) return 0;
        _cutRows++;
        _cutTokens += cut;
        if (_cutLines.Count < LinesShown) _cutLines.Add(row.Line);
        return cut;
    }

    private TokenStatistics? Statistics => _lengths.Count == 0 ? null : _statistics ??= new TokenStatistics(_lengths);

    private static int All(TrainingRow row) => row.Ids.Length + (row.Rejected?.Ids.Length ?? 0);

    private static int Learnt(TrainingRow row) => row.LossLabels().Count(label => label != TrainingRow.Ignored);
}
