using FineTuneService.Engine.Training;

namespace FineTuneService.FineTuningJobs;

/// <summary>The trained adapter's loss a token and token accuracy (0…1) on the job's test file.</summary>
/// <param name="Tokens">Labels that counted.</param>
internal sealed record TestScored(int Step, double Loss, double TokenAccuracy, long Tokens) : TrainingEvent(Step);
