using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Training;

namespace FineTuneService.Engine.Tests.Training;

public sealed class TrainerTests
{
    public static TheoryData<bool, ComputeDtype> Modes => new() { { true, ComputeDtype.Fp32 }, { true, ComputeDtype.Bf16 }, { false, ComputeDtype.Fp32 }, { false, ComputeDtype.Bf16 } };

    [Theory, MemberData(nameof(Modes))]
    public void Run_StoppedAndResumed_GivesTheSameBits(bool lora, ComputeDtype dtype)
    {
        TrainingConfig config = Config(lora);
        byte[] whole = Train(config, dtype, Folder("whole"), stopAfter: int.MaxValue);
        string folder = Folder("resumed");
        byte[] stopped = Train(config, dtype, folder, stopAfter: 4);
        byte[] resumed = Train(config, dtype, folder, stopAfter: int.MaxValue);
        Assert.NotEqual(whole, stopped);
        Assert.Equal(whole, resumed);
    }

    [Fact]
    public void Run_KilledBetweenCheckpoints_GoesOnFromTheLast()
    {
        string folder = Folder("killed");
        TrainingConfig config = Config(lora: true) with { SaveEvery = 3 };
        Assert.Throws<OperationCanceledException>(() => Train(config, ComputeDtype.Fp32, folder, e =>
        {
            if (e is StepFinished { Step: 5 }) throw new OperationCanceledException();
        }));
        int? from = null;
        byte[] resumed = Train(config, ComputeDtype.Fp32, folder, e => from = e is RunStarted started ? started.Step : from);
        Assert.Equal(3, from);
        Assert.Equal(Train(config, ComputeDtype.Fp32, Folder("undisturbed"), _ => { }), resumed);
    }

    [Fact]
    public void Run_LearnableRows_LowersTheLoss()
    {
        var losses = new List<double>();
        TrainingConfig config = Config(lora: false) with { LearningRate = 1e-2, Epochs = 8, Scheduler = LrScheduler.Constant };
        Train(config, ComputeDtype.Fp32, Folder("learns"), e =>
        {
            if (e is StepFinished step) losses.Add(step.Loss);
        });
        Assert.True(losses[^1] < losses[0] / 2, $"{losses[0]} to {losses[^1]}");
    }

    [Theory, InlineData(LoraConfig.AllLinearAndHead), InlineData("lm_head")]
    public void Run_DropoutOnTheHead_StopsAndResumesToTheSameBits(string target)
    {
        TrainingConfig config = Config(lora: true) with { Lora = new LoraConfig { Rank = 4, Dropout = 0.3, TargetModules = [target] } };
        byte[] whole = Train(config, ComputeDtype.Fp32, Folder("head"), stopAfter: int.MaxValue);
        string folder = Folder("head-resumed");
        Train(config, ComputeDtype.Fp32, folder, stopAfter: 4);
        Assert.Equal(whole, Train(config, ComputeDtype.Fp32, folder, stopAfter: int.MaxValue));
        Assert.NotEqual(whole, Train(config with { Lora = config.Lora with { Dropout = 0 } }, ComputeDtype.Fp32, Folder("head-all"), stopAfter: int.MaxValue));
    }

    [Fact]
    public void Constructor_MoreStepsThanCanBeCounted_IsRefused()
    {
        using BaseModel model = BaseModel.Random(Tiny.Config, BasePrecision.Fp32, seed: 1);
        var refusal = Assert.Throws<ArgumentException>(() =>
            new Trainer(model, Config(lora: true) with { Epochs = int.MaxValue, MicroBatchSize = 1, GradientAccumulationSteps = 1 }, Tiny.Rows(3), null, Folder("endless")));
        Assert.Contains("the run would have 6442450941 steps", refusal.Message);
    }

    [Fact]
    public void Constructor_RowOutsideTheVocabulary_IsRefusedByPlace()
    {
        using BaseModel model = BaseModel.Random(Tiny.Config, BasePrecision.Fp32, seed: 1);
        var refusal = Assert.Throws<ArgumentException>(() => new Trainer(model, Config(lora: true), [new TrainingRow([1, 64], [1, 64])], null, Folder("refused")));
        Assert.Contains("training row 0 has id 64", refusal.Message);
    }

    [Theory, InlineData(0, false), InlineData(100, true)]
    public void Run_RateOfZeroInEveryStep_SaysThatNothingWasLearnt(int warmup, bool nothing)
    {
        RunFinished? finished = null;
        Train(Config(lora: true) with { MaxSteps = 1, WarmupSteps = warmup }, ComputeDtype.Fp32, Folder("nothing"), e => finished = e as RunFinished ?? finished);
        Assert.Equal(nothing, finished!.LearntNothing);
    }

    private static TrainingConfig Config(bool lora) => new()
    {
        Lora = lora ? new LoraConfig { Rank = 4, Dropout = 0.1 } : null,
        LearningRate = 1e-3,
        WarmupSteps = 2,
        MicroBatchSize = 2,
        GradientAccumulationSteps = 2,
        Epochs = 2,
        Seed = 7,
    };

    private static byte[] Train(TrainingConfig config, ComputeDtype dtype, string folder, int stopAfter)
    {
        int steps = 0;
        return Train(config, dtype, folder, e => steps += e is StepFinished ? 1 : 0, () => steps >= stopAfter);
    }

    private static byte[] Train(TrainingConfig config, ComputeDtype dtype, string folder, Action<TrainingEvent> onEvent, Func<bool>? stop = null)
    {
        using BaseModel model = BaseModel.Random(Tiny.Config, new BasePrecision(dtype), seed: 3);
        using var trainer = new Trainer(model, config, Tiny.Rows(18), Tiny.Rows(3), folder);
        trainer.Run(onEvent, stop);
        using Adapter? adapter = trainer.Adapter;
        return adapter is null
            ? [.. model.Weights.Parameters.SelectMany(weight => weight.bytes.ToArray())] : adapter.Values.Flat.bytes.ToArray();
    }

    private static string Folder(string name) => Directory.CreateTempSubdirectory("trainer-" + name).FullName;
}
