namespace FineTuneService.FineTuningJobs;

/// <summary>One number over a run's steps, as arrays of one length: an entry a step, or a bucket of steps.</summary>
/// <param name="Step">The last step of each entry.</param>
/// <param name="Last">The number there; Min and Max: of the bucket.</param>
/// <param name="Count">Steps of the bucket that have the number.</param>
public sealed record MetricsColumn(IReadOnlyList<int> Step, IReadOnlyList<double> Last, IReadOnlyList<double> Min, IReadOnlyList<double> Max, IReadOnlyList<int> Count);

/// <summary>The answer of …/metrics.</summary>
/// <param name="Raw">Every entry is one step.</param>
/// <param name="From">The first step asked for, and the last that there is of them.</param>
public sealed record MetricsBody(string Object, string Job, bool Raw, int From, int To, IReadOnlyDictionary<string, MetricsColumn> Columns);

/// <summary>Puts a run's numbers into buckets of steps as they come: memory grows with the buckets, not with the run.</summary>
/// <param name="from">First step, inclusive, as is the last.</param>
internal sealed class MetricsBuckets(int from, int to, int buckets)
{
    private readonly Dictionary<string, SortedDictionary<int, Bucket>> _columns = [];
    private readonly int _width = Math.Max(1, (int)(((long)to - from + buckets) / buckets));

    public bool Raw => _width == 1;

    public void Add(Measurement measured)
    {
        if (measured.Step < from || measured.Step > to) return;
        if (!_columns.TryGetValue(measured.Key, out SortedDictionary<int, Bucket>? column)) _columns[measured.Key] = column = [];
        int number = (measured.Step - from) / _width;
        Bucket bucket = column.GetValueOrDefault(number) ?? (column[number] = new Bucket());
        bucket.Add(measured.Step, measured.Value);
    }

    public IReadOnlyDictionary<string, MetricsColumn> Columns() => _columns.ToDictionary(column => column.Key, column => new MetricsColumn(
        [.. column.Value.Values.Select(bucket => bucket.Step)], [.. column.Value.Values.Select(bucket => bucket.Last)], [.. column.Value.Values.Select(bucket => bucket.Min)],
        [.. column.Value.Values.Select(bucket => bucket.Max)], [.. column.Value.Values.Select(bucket => bucket.Count)]));

    private sealed class Bucket
    {
        public int Step { get; private set; } = -1;
        public double Last { get; private set; }
        public double Min { get; private set; } = double.PositiveInfinity;
        public double Max { get; private set; } = double.NegativeInfinity;
        public int Count { get; private set; }

        public void Add(int step, double value)
        {
            (Min, Max) = (Math.Min(Min, value), Math.Max(Max, value));
            // A step that is told of again, after a kill, is no further one.
            if (step <= Step) return;
            (Step, Last, Count) = (step, value, Count + 1);
        }
    }
}
