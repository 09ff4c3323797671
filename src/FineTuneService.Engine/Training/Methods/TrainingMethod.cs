using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Evaluation;

namespace FineTuneService.Engine.Training.Methods;

/// <summary>What a run does with its rows: how they become a micro batch, and of which loss it adds the gradients.</summary>
internal abstract class TrainingMethod
{
    public static TrainingMethod Of(TrainingConfig config) => config.Dpo is { } dpo ? new Dpo(dpo) : new Supervised();

    public abstract MicroBatch Batch(IReadOnlyList<TrainingRow> rows);

    /// <summary>What the loss is a mean over: the weight of the trained tokens, or pairs.</summary>
    public abstract double Units(MicroBatch batch);

    /// <summary>Adds to the gradients those of <paramref name="scale"/> times the sum of the units' losses.</summary>
    public abstract StepSums Accumulate(MicroBatch batch, double scale, StepContext step);

    /// <summary>Mean loss and accuracy on rows that are not trained on.</summary>
    /// <param name="batchSize">Rows of a forward.</param>
    public abstract EvaluationResult Evaluate(IReadOnlyList<TrainingRow> rows, int batchSize, StepContext step);

    /// <summary>Refuses rows that this method cannot train on.</summary>
    /// <param name="what">The rows' name in the message.</param>
    /// <exception cref="ArgumentException">The message says which row, and why.</exception>
    public abstract void Require(IReadOnlyList<TrainingRow> rows, string what);
}

/// <summary>What micro batches add up to.</summary>
/// <param name="Loss">Sum of the units' losses.</param>
internal readonly record struct StepSums(double Loss, PreferenceSums Preferences = default)
{
    public static StepSums operator +(StepSums a, StepSums b) => new(a.Loss + b.Loss, a.Preferences + b.Preferences);
}
