using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Training;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Training;

/// <summary>Runs whose numbers stop being numbers.</summary>
public sealed class DivergenceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Theory, InlineData(true), InlineData(false)]
    public void Run_LearningRateTooHigh_EndsAtThatStepAndKeepsTheLastGoodCheckpoint(bool lora)
    {
        using BaseModel model = BaseModel.Random(Tiny.Config, BasePrecision.Fp32, seed: 3);
        (RunFinished finished, List<TrainingEvent> events) = Run(model, new TrainingConfig
        {
            Lora = lora ? new LoraConfig { Rank = 4, Alpha = 1e6 } : null,
            LearningRate = 1e30,
            Scheduler = LrScheduler.Linear,
            WarmupSteps = 4,
            MicroBatchSize = 2,
            Epochs = 5,
            SaveEvery = 1,
        });
        int[] steps = [.. events.OfType<StepFinished>().Select(step => step.Step)];
        Assert.NotEmpty(steps);
        Assert.Contains($"not finite at step {steps[^1] + 1}; lower the learning rate", finished.Diverged);
        Assert.All(events.OfType<StepFinished>(), step => Assert.True(double.IsFinite(step.Loss) && double.IsFinite(step.GradNorm)));
        Assert.NotEmpty(events.OfType<CheckpointSaved>());
        foreach (string checkpoint in Directory.GetDirectories(_folder.Path)) RequireFinite(checkpoint);
    }

    [Fact]
    public void Run_BaseWithANaN_EndsBeforeTheFirstStepAndSavesNothing()
    {
        using BaseModel model = BaseModel.Random(Tiny.Config, BasePrecision.Fp32, seed: 3);
        model.Weights.Layers[0].Down!.Stored!.fill_(float.NaN);
        (RunFinished finished, List<TrainingEvent> events) = Run(model, new TrainingConfig { MicroBatchSize = 2, SaveEvery = 1 });
        Assert.Contains("the loss is not finite at step 1", finished.Diverged);
        Assert.Contains("base model", finished.Diverged);
        Assert.Empty(events.OfType<StepFinished>());
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void Run_ValidationLossNotFinite_EndsWithoutAnEventThatHoldsIt()
    {
        using BaseModel model = BaseModel.Random(Tiny.Config with { TieWordEmbeddings = false }, BasePrecision.Fp32, seed: 3);
        using (NewDisposeScope()) model.Weights.EmbedTokens.select(0, 63).fill_(float.NaN); // No training row has this token.
        TrainingRow[] rows = [.. Enumerable.Range(0, 6).Select(i => new TrainingRow([i, i + 1, i + 2], [-100, i + 1, i + 2]))];
        (RunFinished finished, List<TrainingEvent> events) = Run(model, new TrainingConfig { MicroBatchSize = 2 }, rows, [new TrainingRow([63, 1], [-100, 1])]);
        Assert.Contains("the validation loss is not finite at step 0", finished.Diverged);
        Assert.Null(finished.ValidationLoss);
        Assert.Empty(events.OfType<Evaluated>());
    }

    [Fact]
    public void Run_LastUpdateSpoilsTheWeights_IsNotASuccess()
    {
        using BaseModel model = BaseModel.Random(Tiny.Config, BasePrecision.Fp32, seed: 3);
        (RunFinished finished, _) = Run(model, new TrainingConfig { LearningRate = 1e39, Scheduler = LrScheduler.Constant, MicroBatchSize = 2, MaxSteps = 1 });
        Assert.Contains("the weights are not finite after step 1; lower the learning rate", finished.Diverged);
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
    }

    public void Dispose() => _folder.Dispose();

    private (RunFinished, List<TrainingEvent>) Run(BaseModel model, TrainingConfig config, IReadOnlyList<TrainingRow>? train = null, IReadOnlyList<TrainingRow>? validation = null)
    {
        var events = new List<TrainingEvent>();
        using var trainer = new Trainer(model, config, train ?? Tiny.Rows(18), validation, _folder.Path);
        using Adapter? adapter = trainer.Adapter;
        return (trainer.Run(events.Add), events);
    }

    private static void RequireFinite(string checkpoint)
    {
        using var scope = NewDisposeScope();
        using var stored = SafetensorsFile.Open(Path.Combine(checkpoint, "trainer_state.safetensors"));
        foreach (string name in stored.Entries.Keys) Assert.True(CheckpointFolder.IsFinite(stored.Read(name)), name);
    }
}
