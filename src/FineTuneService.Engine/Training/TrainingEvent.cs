using FineTuneService.Engine.Training.Methods;

namespace FineTuneService.Engine.Training;

/// <summary>Progress of a run, in order. <paramref name="Step"/> counts optimizer updates from 1; 0 is before the first.</summary>
public abstract record TrainingEvent(int Step);

/// <summary>The run starts, or goes on from a checkpoint of <paramref name="Step"/> &gt; 0.</summary>
public sealed record RunStarted(int Step, int TotalSteps, long TrainableParameters) : TrainingEvent(Step);

/// <summary>One optimizer update. <paramref name="Loss"/> is from before it; <paramref name="GradNorm"/> from before clipping.</summary>
/// <param name="Tokens">Trained (not masked) tokens of the step.</param>
public sealed record StepFinished(int Step, double Loss, double LearningRate, double GradNorm, long Tokens, double Epoch, TimeSpan Duration)
    : TrainingEvent(Step)
{
    /// <summary>Of preference training.</summary>
    public PreferenceStatistics? Preferences { get; init; }
}

/// <summary>The memory budget has no room for a micro batch of so many rows: from this step on it has fewer, and more of them add up to a step.</summary>
/// <param name="Divisions">All of the run's, for one that does the same again.</param>
public sealed record MicroBatchHalved(int Step, int From, int To, IReadOnlyList<MicroBatchDivision> Divisions) : TrainingEvent(Step);

/// <summary>Mean loss a token, and mean token accuracy (0…1), on the validation rows; of pairs, the mean loss a pair and the share of them whose
/// better answer has the higher reward.</summary>
public sealed record Evaluated(int Step, double Loss, double TokenAccuracy) : TrainingEvent(Step);

/// <summary>A checkpoint is complete on disk at <paramref name="Folder"/>.</summary>
public sealed record CheckpointSaved(int Step, string Folder) : TrainingEvent(Step);

/// <summary>A checkpoint could not be written, mostly because the disk is full. The run goes on, and tries again after a later step.</summary>
public sealed record CheckpointFailed(int Step, string Reason) : TrainingEvent(Step);

/// <summary>A stored checkpoint is damaged or of another run; the run goes on from an older one, or from its start.</summary>
public sealed record CheckpointUnusable(int Step, string Reason) : TrainingEvent(Step);

/// <summary>The run has ended. <paramref name="Stopped"/>: by the caller's wish, at a step boundary.</summary>
/// <param name="Diverged">Why the run ended before its last step: a sentence about what is no longer a finite number. Null otherwise.</param>
public sealed record RunFinished(int Step, bool Stopped, long TrainedTokens, double? TrainLoss, double? ValidationLoss, string? Diverged = null) : TrainingEvent(Step)
{
    /// <summary>Every B is still zero: the adapter answers as its base does.</summary>
    public bool LearntNothing { get; init; }

    /// <summary>The run ended before its last step because its evaluations no longer improved.</summary>
    public bool EarlyStopped { get; init; }

    /// <summary>The step that the trained parameters are of: the last, or the best evaluation's.</summary>
    public int KeptStep { get; init; } = Step;
}
