
namespace FineTuneService.Engine.Training;

/// <summary>transformers' get_scheduler: the rate of each optimizer step.</summary>
internal static class LearningRate
{
    /// <param name="step">From 1: with warmup, the first step's rate is 0.</param>
    /// <param name="runSteps">Steps of the run; linear and cosine reach 0 just after the last, unless the schedule has its own number.</param>
    public static double At(int step, int runSteps, TrainingConfig config) =>
        config.LearningRate * Factor(step - 1, config.ScheduleSteps ?? runSteps, config.WarmupSteps, config.Scheduler);

    private static double Factor(int done, int total, int warmup, LrScheduler scheduler)
    {
        if (done < warmup) return (double)done / Math.Max(1, warmup);
        double progress = (double)(done - warmup) / Math.Max(1, total - warmup);
        return scheduler switch
        {
            LrScheduler.Constant => 1,
            LrScheduler.Linear => Math.Max(0, (double)(total - done) / Math.Max(1, total - warmup)),
            LrScheduler.Cosine => Math.Max(0, 0.5 * (1 + Math.Cos(Math.PI * progress))),
            _ => throw new ArgumentOutOfRangeException(nameof(scheduler), scheduler, "unknown schedule"),
        };
    }
}
