namespace FineTuneService.Engine.Training;

/// <summary>From optimizer step <paramref name="Step"/> on (from 1), a forward and backward takes at most <paramref name="Rows"/> rows.</summary>
public sealed record MicroBatchDivision(int Step, int Rows);

/// <summary>
/// How a run's micro batches are divided where the memory budget is short. The rows of a step, and their order, stay those of the configuration:
/// gradients add up over more and smaller parts to the same sums, but for rounding. Written down by step, so that a resumed run, or one that is
/// done again, divides in the same places and comes to the same bits.
/// </summary>
/// <param name="divisions">By step.</param>
internal sealed class MicroBatchSizes(TrainingConfig config, IReadOnlyList<MicroBatchDivision> divisions)
{
    public IReadOnlyList<MicroBatchDivision> Divisions { get; private set; } = divisions;

    /// <summary>Whether a micro batch's parts add up to the same as the whole.</summary>
    public bool Divides => config.LossAverage == LossAverage.Tokens;

    /// <summary>The most rows of a micro batch in this step.</summary>
    public int At(int step) => Divisions.Where(division => division.Step <= step).Select(division => division.Rows).Append(config.MicroBatchSize).Min();

    /// <summary>Half as many rows from this step on.</summary>
    /// <returns>The rows; null where they cannot be fewer.</returns>
    public int? Halve(int step) => Divides && At(step) is > 1 and var rows ? Divide(step, (rows + 1) / 2) : null;

    /// <summary>At most so many rows from this step on.</summary>
    public int Divide(int step, int rows)
    {
        Divisions = [.. Divisions.Where(division => division.Step < step || division.Rows < rows).Append(new MicroBatchDivision(step, rows)).OrderBy(division => division.Step)];
        return rows;
    }
}
