using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Training;
using FineTuneService.Engine.Training.Methods;

namespace FineTuneService.Engine.Tests.Training;

/// <summary>Runs whose micro batches do not fit the memory budget.</summary>
public sealed class MemoryFitTests
{
    public static TheoryData<string> Kinds => ["lora", "dropout and noise", "full", "dpo"];

    [Theory, MemberData(nameof(Kinds))]
    public void Run_BudgetBelowAWholeMicroBatch_HalvesItAndLearnsTheSame(string kind)
    {
        (List<StepFinished> whole, _, long most, long least) = Train(kind, long.MaxValue);
        (List<StepFinished> steps, List<MicroBatchHalved> halved, long held, _) = Train(kind, least + (most - least) / 2);
        Assert.NotEmpty(halved);
        Assert.Equal((1, 8), (halved[0].Step, halved[0].From));
        Assert.Equal(4, halved[0].To);
        Assert.True(held <= least + (most - least) / 2);
        Assert.Equal(whole.Count, steps.Count);
        foreach ((StepFinished one, StepFinished other) in whole.Zip(steps))
        {
            Assert.Equal(one.Tokens, other.Tokens);
            Assert.Equal(one.Loss, other.Loss, 1e-4 * one.Loss);
            Assert.Equal(one.GradNorm, other.GradNorm, 1e-3 * one.GradNorm);
        }
    }

    [Fact]
    public void Run_HalvedInTheMiddleAndResumedWithMoreMemory_GoesOnWithTheSameSizeToTheSameBits()
    {
        // Half of the third step's rows, and of all that follow.
        MicroBatchDivision[] divisions = [new(3, 4)];
        byte[] undisturbed = Bits("undisturbed", divisions);
        string folder = Folder("resumed");
        int steps = 0;
        Bits(folder, divisions, e => steps += e is StepFinished ? 1 : 0, () => steps >= 4);
        Assert.Equal(undisturbed, Bits(folder, []));
        Assert.NotEqual(undisturbed, Bits("whole", []));
    }

    [Fact]
    public void Run_NoRoomForOneRow_SaysSoAndGivesEverythingBack()
    {
        (_, _, _, long least) = Train("lora", long.MaxValue);
        var budget = new MemoryBudget(least + 4096);
        using (BaseModel model = Base())
        using (var share = new MemoryShare(budget))
        {
            using (var trainer = new Trainer(model, Config("lora"), Tiny.Rows(32), null, Folder("none"), memory: new RunMemory(share)))
            {
                var halved = new List<int>();
                Assert.Throws<MemoryExceededException>(() => trainer.Run(e => { if (e is MicroBatchHalved to) halved.Add(to.To); }));
                Assert.Equal([4, 2, 1], halved);
                Assert.True(budget.Taken < least + 4096);
                trainer.Adapter!.Dispose();
            }
        }
        Assert.Equal(0, budget.Taken);
    }

    [Fact]
    public void Run_RoomThatAnswersGiveBack_IsWaitedFor()
    {
        (_, _, long most, _) = Train("lora", long.MaxValue);
        var budget = new MemoryBudget(most);
        using BaseModel model = Base();
        using var share = new MemoryShare(budget);
        using var trainer = new Trainer(model, Config("lora") with { MicroBatchSize = 1, GradientAccumulationSteps = 8 }, Tiny.Rows(32), null, Folder("waits"), memory: new RunMemory(share));
        long answers = budget.Limit - budget.Taken;
        Assert.True(budget.TryTake(answers));
        int offers = 0;
        RunFinished finished = trainer.Run(_ => { }, null, () =>
        {
            if (++offers == 20) budget.Give(answers);
        });
        using (trainer.Adapter) Assert.Equal(4, finished.Step);
        Assert.True(offers >= 20);
    }

    [Fact]
    public void Constructor_ParametersThatDoNotFit_AreRefusedAndNothingIsTaken()
    {
        var budget = new MemoryBudget(1000);
        using BaseModel model = Base();
        using var share = new MemoryShare(budget);
        Assert.Throws<MemoryExceededException>(() => new Trainer(model, Config("lora"), Tiny.Rows(8), null, Folder("refused"), memory: new RunMemory(share)));
        Assert.Equal(0, budget.Taken);
    }

    [Fact]
    public void TrySetAside_MoreThanIsHeld_IsTakenOfFirstAndGoesBackOnceSettled()
    {
        var budget = new MemoryBudget(100);
        var share = new MemoryShare(budget);
        Assert.True(share.TrySetAside(60));
        Assert.True(share.TryTake(50));
        Assert.Equal(60, budget.Taken);
        Assert.False(share.TryTake(60));
        Assert.True(share.TryTake(30));
        Assert.Equal((80, 80), (budget.Taken, share.Taken));
        share.Give(70);
        Assert.Equal((60, 10), (budget.Taken, share.Held));
        share.Settle();
        Assert.Equal(10, budget.Taken);
        share.Dispose();
        Assert.Equal(0, budget.Taken);
    }

    /// <returns>Steps, halvings, the most bytes that were held, and those without a step's buffers.</returns>
    private static (List<StepFinished> Steps, List<MicroBatchHalved> Halved, long Most, long Least) Train(string kind, long limit)
    {
        var budget = new MemoryBudget(limit);
        var (steps, halved) = (new List<StepFinished>(), new List<MicroBatchHalved>());
        using BaseModel model = Base();
        using var share = new MemoryShare(budget);
        List<TrainingRow> rows = kind == "dpo" ? [.. Tiny.Rows(32).Select((row, i) => row with { Rejected = Tiny.Rows(32)[(i + 5) % 32] })] : Tiny.Rows(32);
        using var trainer = new Trainer(model, Config(kind), rows, null, Folder("fit"), memory: new RunMemory(share));
        long least = budget.Taken, most = 0;
        trainer.Run(e =>
        {
            if (e is StepFinished step) steps.Add(step);
            if (e is MicroBatchHalved to) halved.Add(to);
        }, null, () => most = Math.Max(most, budget.Taken));
        trainer.Adapter?.Dispose();
        return (steps, halved, most, least);
    }

    private static byte[] Bits(string folder, IReadOnlyList<MicroBatchDivision> divisions, Action<TrainingEvent>? onEvent = null, Func<bool>? stop = null)
    {
        if (!Path.IsPathRooted(folder)) folder = Folder(folder);
        using BaseModel model = Base();
        using var share = new MemoryShare(new MemoryBudget(long.MaxValue));
        using var trainer = new Trainer(model, Config("dropout and noise") with { Epochs = 2 }, Tiny.Rows(32), null, folder, memory: new RunMemory(share) { Divisions = divisions });
        trainer.Run(onEvent ?? (_ => { }), stop);
        using Adapter adapter = trainer.Adapter!;
        return adapter.Values.Flat.bytes.ToArray();
    }

    private static BaseModel Base() => BaseModel.Random(Tiny.Config, BasePrecision.Fp32, seed: 3);

    private static TrainingConfig Config(string kind) => new()
    {
        Lora = kind == "full" ? null : new LoraConfig { Rank = 4, Dropout = kind == "dropout and noise" ? 0.2 : 0 },
        NeftuneAlpha = kind == "dropout and noise" ? 5 : null,
        Dpo = kind == "dpo" ? new DpoConfig() : null,
        LearningRate = 1e-2,
        MicroBatchSize = 8,
        Seed = 7,
    };

    private static string Folder(string name) => Directory.CreateTempSubdirectory("fit-" + name.Replace(' ', '-')).FullName;
}
