using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Training;
using FineTuneService.Engine.Training.Methods;

namespace FineTuneService.Engine.Tests.Training.Methods;

/// <summary>Runs on pairs, from the trainer's first step to its last.</summary>
public sealed class PreferenceTrainingTests : IDisposable
{
    private static readonly TrainingConfig Config = new()
    {
        Lora = new LoraConfig { Rank = 4, Dropout = 0.1 },
        Dpo = new DpoConfig(),
        NeftuneAlpha = 5,
        LearningRate = 1e-2,
        MicroBatchSize = 2,
        GradientAccumulationSteps = 2,
        MaxSteps = 12,
        SaveEvery = 4,
    };

    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void Run_Pairs_LearnsWhichAnswerIsBetter()
    {
        (RunFinished finished, List<TrainingEvent> events, _) = Run(Config with { NeftuneAlpha = null }, "run");
        PreferenceStatistics[] steps = [.. events.OfType<StepFinished>().Select(step => step.Preferences!)];
        Assert.Equal((0, 0, 0), (steps[0].RewardChosen, steps[0].RewardRejected, steps[0].Accuracy));
        Assert.True(steps[^1].Margin > 0.1, $"the margin is {steps[^1].Margin}");
        Evaluated[] evaluated = [.. events.OfType<Evaluated>()];
        Assert.Equal(Math.Log(2), evaluated[0].Loss, 1e-6);
        Assert.Equal(1, evaluated[^1].TokenAccuracy);
        Assert.Equal(evaluated[^1].Loss, finished.ValidationLoss);
        Assert.True(evaluated[^1].Loss < 0.6);
    }

    /// <summary>Dropout and the embeddings' noise included, which are drawn again by counter.</summary>
    [Fact]
    public void Run_StoppedAndResumed_EndsOnTheSameBits()
    {
        byte[] through = Run(Config, "through").Trained;
        Assert.NotEqual(through, Run(Config, "stopped", 7).Trained);
        Assert.Equal(through, Run(Config, "stopped").Trained);
        Assert.NotEqual(through, Run(Config with { NeftuneAlpha = null }, "quiet").Trained);
    }

    [Fact]
    public void Trainer_WhatPreferencesCannotBeTrainedOn_IsRefused()
    {
        using BaseModel model = BaseModel.Random(Tiny.Config, BasePrecision.Fp32, seed: 3);
        string Refusal(TrainingConfig config, IReadOnlyList<TrainingRow> rows) =>
            Assert.Throws<ArgumentException>(() => new Trainer(model, config, rows, null, _folder.Path)).Message;
        Assert.Contains("row 0 has no rejected answer", Refusal(Config, Tiny.Rows(4)));
        Assert.Contains("train with DPO", Refusal(Config with { Dpo = null }, Pairs()));
        Assert.Contains("needs an adapter", Refusal(Config with { Lora = null }, Pairs()));
        Assert.Contains("without a token", Refusal(Config, [Pairs()[0] with { Rejected = new TrainingRow([1, 2], [-100, -100]) }]));
        Assert.Contains("outside the vocabulary", Refusal(Config, [Pairs()[0] with { Rejected = new TrainingRow([1, 999], [1, 999]) }]));
        Assert.Contains("no preference loss 'best'", Refusal(Config with { Dpo = new DpoConfig { Loss = "best" } }, Pairs()));
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>After the same prompt, counting upwards is better than counting downwards.</summary>
    private static TrainingRow[] Pairs() => [.. Enumerable.Range(0, 9).Select(row =>
    {
        int[] Answer(int by, int length) => [row, row + 20, .. Enumerable.Range(1, length).Select(i => (64 + row + by * i) % 64)];
        TrainingRow Of(int[] ids) => new(ids, [-100, -100, .. ids[2..]]);
        return Of(Answer(1, 4 + row % 3)) with { Rejected = Of(Answer(-1, 6)) };
    })];

    private (RunFinished Finished, List<TrainingEvent> Events, byte[] Trained) Run(TrainingConfig config, string folder, int stopAfter = int.MaxValue)
    {
        using BaseModel model = BaseModel.Random(Tiny.Config, BasePrecision.Fp32, seed: 3);
        using var trainer = new Trainer(model, config, Pairs(), Pairs()[..3], Path.Combine(_folder.Path, folder));
        using Adapter adapter = trainer.Adapter!;
        var events = new List<TrainingEvent>();
        RunFinished finished = trainer.Run(events.Add, () => events.OfType<StepFinished>().LastOrDefault()?.Step >= stopAfter);
        return (finished, events, adapter.Values.Flat.bytes.ToArray());
    }
}
