using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Training;

namespace FineTuneService.Engine.Tests.Training;

/// <summary>A run that learns its rows by heart, and so gets worse on others.</summary>
public sealed class EarlyStoppingTests : IDisposable
{
    private static readonly TrainingConfig Config = new()
    {
        Lora = new LoraConfig { Rank = 8 },
        LearningRate = 2e-2,
        Scheduler = LrScheduler.Constant,
        MicroBatchSize = 4,
        MaxSteps = 60,
        EvalEvery = 3,
        SaveEvery = 3,
        EarlyStopping = new EarlyStopping(Patience: 3),
        KeepBest = true,
    };

    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void Run_EvaluationsThatGetWorse_EndsEarlyOnTheBest()
    {
        (RunFinished finished, List<TrainingEvent> events, byte[] kept) = Run(Config, "run");
        Evaluated[] after = [.. events.OfType<Evaluated>().Where(evaluated => evaluated.Step > 0)];
        Evaluated best = after.MinBy(evaluated => evaluated.Loss)!;
        Assert.True(finished is { EarlyStopped: true, Stopped: false });
        Assert.Equal(best.Step, finished.KeptStep);
        Assert.Equal(best.Loss, finished.ValidationLoss);
        Assert.Equal(finished.Step, best.Step + 3 * Config.EvalEvery);
        Assert.Equal(after.Length, after.DistinctBy(evaluated => evaluated.Step).Count());

        // The parameters are those that a run which ends there would have.
        Assert.Equal(kept, Run(Config with { MaxSteps = best.Step, EarlyStopping = null, KeepBest = false }, "short").Kept);
    }

    [Fact]
    public void Run_StoppedAndResumed_EndsOnTheSameBest()
    {
        (RunFinished through, _, byte[] kept) = Run(Config, "through");
        Run(Config, "stopped", through.KeptStep + 4);
        (RunFinished resumed, _, byte[] same) = Run(Config, "stopped");
        Assert.Equal((through.Step, through.KeptStep, through.ValidationLoss), (resumed.Step, resumed.KeptStep, resumed.ValidationLoss));
        Assert.Equal(kept, same);
    }

    [Fact]
    public void Run_WithoutValidationRows_IsRefused()
    {
        using BaseModel model = BaseModel.Random(Tiny.Config, BasePrecision.Fp32, seed: 3);
        foreach (TrainingConfig config in new[] { Config with { KeepBest = false }, Config with { EarlyStopping = null } })
            Assert.Contains("validation", Assert.Throws<ArgumentException>(() => new Trainer(model, config, Tiny.Rows(4), null, _folder.Path)).Message);
    }

    public void Dispose() => _folder.Dispose();

    private (RunFinished Finished, List<TrainingEvent> Events, byte[] Kept) Run(TrainingConfig config, string folder, int stopAfter = int.MaxValue)
    {
        using BaseModel model = BaseModel.Random(Tiny.Config, BasePrecision.Fp32, seed: 3);
        TrainingRow[] other = [.. Enumerable.Range(0, 4).Select(row => Counting(64 - row, 7))];
        using var trainer = new Trainer(model, config, Tiny.Rows(4), other, Path.Combine(_folder.Path, folder));
        using Adapter adapter = trainer.Adapter!;
        var events = new List<TrainingEvent>();
        RunFinished finished = trainer.Run(events.Add, () => events.OfType<StepFinished>().LastOrDefault()?.Step >= stopAfter);
        return (finished, events, adapter.Values.Flat.bytes.ToArray());
    }

    private static TrainingRow Counting(int start, int by)
    {
        int[] ids = [.. Enumerable.Range(0, 9).Select(i => (start + i * by) % 64)];
        return new TrainingRow(ids, ids);
    }
}
