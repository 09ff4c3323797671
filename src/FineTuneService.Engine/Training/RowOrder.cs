using FineTuneService.Engine.Compute;

namespace FineTuneService.Engine.Training;

/// <summary>
/// Which rows each optimizer step trains on: a shuffle by counter for every epoch. Within a window of consecutive micro batches rows
/// of like length are put together, because padding costs as much as tokens; which of them comes first is drawn again.
/// </summary>
internal sealed class RowOrder
{
    /// <summary>Micro batches among which rows are sorted by length: few enough that an epoch stays well mixed.</summary>
    private const int Window = 16;

    private readonly int[] _lengths;
    private readonly TrainingConfig _config;
    private int _epoch = -1;
    private List<int[]> _microBatches = [];

    /// <param name="lengths">Tokens of each row.</param>
    /// <exception cref="ArgumentException">The run would have more steps than can be counted.</exception>
    public RowOrder(IEnumerable<int> lengths, TrainingConfig config)
    {
        (_lengths, _config) = ([.. lengths], config);
        int microBatches = Divide(_lengths.Length, config.MicroBatchSize);
        StepsPerEpoch = Divide(microBatches, config.GradientAccumulationSteps);
        long steps = config.MaxSteps ?? (long)config.Epochs * StepsPerEpoch;
        if (steps > int.MaxValue) throw new ArgumentException($"the run would have {steps} steps; lower epochs or set max_steps");
        TotalSteps = (int)steps;
    }

    public int StepsPerEpoch { get; }

    public int TotalSteps { get; }

    /// <summary>Row indices of each micro batch of a step, counted from 1. The last step of an epoch may be smaller.</summary>
    public IReadOnlyList<int[]> Step(int step)
    {
        int epoch = (step - 1) / StepsPerEpoch;
        if (epoch != _epoch) (_epoch, _microBatches) = (epoch, Shuffle(epoch));
        int first = (step - 1) % StepsPerEpoch * _config.GradientAccumulationSteps;
        return _microBatches.GetRange(first, Math.Min(_config.GradientAccumulationSteps, _microBatches.Count - first));
    }

    private List<int[]> Shuffle(int epoch)
    {
        int[] order = new CounterRandom(_config.Seed, Stream(epoch, 0)).Permutation(_lengths.Length);
        var microBatches = new List<int[]>();
        int window = 0;
        foreach (int[] rows in order.Chunk(Window * _config.MicroBatchSize))
        {
            int[][] sorted = [.. rows.OrderBy(row => _lengths[row]).Chunk(_config.MicroBatchSize)];
            int[] shuffled = new CounterRandom(_config.Seed, Stream(epoch, ++window)).Permutation(sorted.Length);
            microBatches.AddRange(shuffled.Select(i => sorted[i]));
        }
        return microBatches;
    }

    private static ulong Stream(int epoch, int window) => ((ulong)epoch << 32) | (uint)window;

    private static int Divide(int count, int by) => (int)(((long)count + by - 1) / by);
}
