namespace FineTuneService.Engine.Training;

/// <summary>Where a run is, as its checkpoints store it.</summary>
/// <param name="Step">Optimizer updates done.</param>
/// <param name="SavedStep">Step of the newest checkpoint.</param>
/// <param name="TrainedTokens">Tokens whose label counted, over all steps.</param>
/// <param name="LastLoss">Loss of the last step, from before its update.</param>
internal sealed record RunProgress(int Step = 0, int SavedStep = 0, long TrainedTokens = 0, double? LastLoss = null)
{
    public EvaluationTrack Evaluations { get; init; } = new();

    /// <summary>Where micro batches were divided; null: nowhere.</summary>
    public IReadOnlyList<MicroBatchDivision>? Divisions { get; init; }

    public RunProgress After(StepResult result) =>
        this with { Step = Step + 1, TrainedTokens = TrainedTokens + result.Tokens, LastLoss = result.Loss };
}
