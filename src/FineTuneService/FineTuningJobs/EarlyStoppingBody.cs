namespace FineTuneService.FineTuningJobs;

/// <summary>When a run ends before its last step.</summary>
public sealed record EarlyStoppingBody
{
    /// <summary>Evaluations in a row without an improvement after which the run ends; 1 to 1000.</summary>
    public required int Patience { get; init; }

    /// <summary>By how much the validation loss has to fall to count as an improvement; 0 unless given.</summary>
    public double? Threshold { get; init; }
}
