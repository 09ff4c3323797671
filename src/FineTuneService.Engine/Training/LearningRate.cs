namespace FineTuneService.Engine.Training;

/// <summary>transformers' get_scheduler: the rate of each optimizer step.</summary>
internal static class LearningRate
{
    /// <param name="step">From 1: with warmup, the first step's rate is 0.</param>
    /// <param name="runSteps">Steps of the run; linear and cosine reach 0 just after the last, unless the schedule has its own number.</param>
    public static double At(int step, int runSteps, TrainingConfig config) => config.LearningRate * Factor(
        new Place(step - 1, config.ScheduleSteps ?? runSteps, config.WarmupSteps), config.Scheduler, config.LearningRate, config.ScheduleOptions);

    private static double Factor(Place at, LrScheduler scheduler, double peak, ScheduleOptions options) => scheduler switch
    {
        LrScheduler.WarmupStableDecay => WarmupStableDecay(at, options),
        _ when at.Done < at.Warmup => at.Warmed,
        LrScheduler.Constant => 1,
        LrScheduler.Linear => Math.Max(0, at.Left),
        LrScheduler.Cosine => Cosine(at.Progress),
        LrScheduler.CosineWithRestarts => at.Progress >= 1 ? 0 : Cosine(options.Cycles * at.Progress % 1),
        LrScheduler.CosineWithMinLr => Above(options.SmallestShare, Cosine(at.Progress)),
        LrScheduler.Polynomial => Polynomial(at, options.EndRate / peak, options.Power),
        LrScheduler.InverseSqrt => InverseSqrt(at, options.Timescale ?? (at.Warmup > 0 ? at.Warmup : 10_000)),
        _ => throw new ArgumentOutOfRangeException(nameof(scheduler), scheduler, "unknown schedule"),
    };

    private static double Cosine(double progress) => Math.Max(0, 0.5 * (1 + Math.Cos(Math.PI * progress)));

    private static double Polynomial(Place at, double end, double power) =>
        at.Done > at.Total ? end : (1 - end) * Math.Pow(Math.Max(0, at.Left), power) + end;

    private static double InverseSqrt(Place at, double timescale) => 1 / Math.Sqrt((at.Done + timescale - at.Warmup) / timescale);

    private static double WarmupStableDecay(Place at, ScheduleOptions options)
    {
        if (at.Done < at.Warmup) return Above(options.SmallestShare, Rise(at.Warmed, options.WarmupCurve));
        int decay = options.DecaySteps ?? at.Total / 10, stable = options.StableSteps ?? at.Total - at.Warmup - decay, falling = at.Done - at.Warmup - stable;
        if (falling < 0) return 1;
        return falling < decay ? Above(options.SmallestShare, Fall((double)falling / decay, options.DecayCurve)) : options.SmallestShare;
    }

    private static double Rise(double progress, RateCurve curve) => curve switch
    {
        RateCurve.Cosine => 0.5 * (1 - Math.Cos(Math.PI * progress)),
        RateCurve.OneMinusSqrt => 1 - Math.Sqrt(1 - progress),
        _ => progress,
    };

    private static double Fall(double progress, RateCurve curve) => curve switch
    {
        RateCurve.Cosine => Cosine(progress),
        RateCurve.OneMinusSqrt => 1 - Math.Sqrt(progress),
        _ => 1 - progress,
    };

    /// <summary>A factor of 0…1 squeezed into <paramref name="smallest"/>…1.</summary>
    private static double Above(double smallest, double factor) => Math.Max(0, factor * (1 - smallest) + smallest);

    /// <summary>Where in a schedule a step is.</summary>
    /// <param name="Done">Steps before it.</param>
    private readonly record struct Place(int Done, int Total, int Warmup)
    {
        /// <summary>Share of the warmup.</summary>
        public double Warmed => (double)Done / Math.Max(1, Warmup);

        /// <summary>Share of what follows it; above 1 after the end.</summary>
        public double Progress => (double)(Done - Warmup) / Math.Max(1, Total - Warmup);

        public double Left => (double)(Total - Done) / Math.Max(1, Total - Warmup);
    }
}
