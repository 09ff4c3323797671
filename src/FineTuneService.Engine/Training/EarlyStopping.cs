namespace FineTuneService.Engine.Training;

/// <summary>transformers' EarlyStoppingCallback over the evaluation loss.</summary>
/// <param name="Patience">Evaluations in a row without an improvement after which a run ends.</param>
/// <param name="Threshold">What a loss has to be below the best one before it by, to be an improvement.</param>
public sealed record EarlyStopping(int Patience, double Threshold = 0);

/// <summary>A run's evaluations so far. The one before training does not count.</summary>
/// <param name="Best">The lowest loss.</param>
/// <param name="BestStep">Optimizer updates done at it.</param>
/// <param name="Without">Evaluations since the last improvement.</param>
internal sealed record EvaluationTrack(double? Best = null, int BestStep = 0, int Without = 0)
{
    /// <summary>After one more. The best moves with any lower loss; an improvement is measured from the best before it.</summary>
    public EvaluationTrack After(double loss, int step, double threshold)
    {
        bool lower = Best is not { } best || loss < best, improved = Best is not { } before || before - loss > threshold;
        return new EvaluationTrack(lower ? loss : Best, lower ? step : BestStep, improved ? 0 : Without + 1);
    }
}
