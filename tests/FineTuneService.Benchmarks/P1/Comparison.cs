namespace FineTuneService.Benchmarks.P1;

/// <summary>P1: tokens a second and peak memory of a LoRA step, ours against the same step written eagerly.</summary>
internal static class Comparison
{
    private const int Rounds = 7;
    private const double LeastSpeedup = 1.3;
    private const double MostMemory = 0.7;
    private const double LeastEagerShare = 0.33;

    /// <summary>bf16 keeps 8 bits: two orders of the same sums differ in the third digit of a mean over a thousand tokens at most.</summary>
    private const double LossTolerance = 2e-3;

    /// <returns>0 if ours is fast and small enough, eager is as good as it should be, and both see the same losses.</returns>
    public static int Run()
    {
        Console.WriteLine($"P1: LoRA rank 8 on all linear layers, 135M Llama shape, {Workload.Rows}×{Workload.Length} tokens, bf16, AdamW included");
        using var eagerProcess = new VariantProcess("eager");
        using var engineProcess = new VariantProcess("engine");
        Measured eager = new("eager", eagerProcess), engine = new("ours", engineProcess);
        TakeTurns([eager, engine]);
        Console.WriteLine(eager);
        Console.WriteLine(engine);

        double speedup = eager.StepSeconds / engine.StepSeconds;
        double memory = engine.PeakBytes / eager.PeakBytes;
        double difference = engine.Losses.Zip(eager.Losses, (ours, theirs) => Math.Abs(ours - theirs) / Math.Abs(theirs)).Max();
        bool holds = Limits.Holds($"speed over eager {speedup:F2}×, at least {LeastSpeedup}×", speedup >= LeastSpeedup);
        holds &= Limits.Holds($"peak memory over eager {memory:F2}×, at most {MostMemory}×", memory <= MostMemory);
        holds &= Limits.Holds($"eager's share of the bound {eager.Share:F2}, at least {LeastEagerShare}", eager.Share >= LeastEagerShare);
        holds &= Limits.Holds($"losses differ by {difference:P3}, at most {LossTolerance:P3}", difference <= LossTolerance);
        return holds ? 0 : 1;
    }

    private static void TakeTurns(Measured[] variants)
    {
        foreach (Measured variant in variants)
        {
            for (int i = 0; i < 3; i++) variant.WarmUp();
            variant.ReadPeak();
            variant.Bound();
        }
        for (int round = 0; round < Rounds; round++)
        {
            foreach (Measured variant in variants)
            {
                variant.Step();
                variant.Bound();
            }
        }
    }
}
