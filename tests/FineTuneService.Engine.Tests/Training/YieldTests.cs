using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Evaluation;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Tests.Generation;
using FineTuneService.Engine.Training;
using FineTuneService.Engine.Training.Methods;
using Generator = FineTuneService.Engine.Generation.Generator;

namespace FineTuneService.Engine.Tests.Training;

/// <summary>What is served between a step's decoder blocks changes no bit of the step, and lives on after it.</summary>
public sealed class YieldTests
{
    public static TheoryData<string> Kinds => ["lora", "recomputed", "full", "dpo"];

    [Theory, MemberData(nameof(Kinds))]
    public void Run_ModelLoadedAndAnswersGivenBetweenBlocks_ChangesNoBit(string kind)
    {
        byte[] undisturbed = Train(kind, null);
        using var serving = new Serving();
        Assert.Equal(undisturbed, Train(kind, serving.Serve));
        Assert.True(serving.Answers.Count > 3);
        serving.Serve(); // What was made within a step is still there.
        List<int> alone = Alone();
        Assert.All(serving.Answers, answer => Assert.Equal(alone, answer));
    }

    /// <summary>Blocks of the forward and of the backward, of the dry run's and the steps' micro batches, and of evaluations.</summary>
    [Fact]
    public void Run_EveryMicroBatch_OffersAfterEachBlockForwardAndBackward()
    {
        int offers = 0, blocks = Tiny.Config.Layers;
        Train("lora", () => offers++, steps: 2);
        int microBatches = 2 + 2 * 2;
        Assert.True(offers >= microBatches * 2 * blocks, $"{offers} offers in {microBatches} micro batches of {blocks} blocks");
    }

    [Fact]
    public void Batch_OfAnEvaluation_OffersAfterEachBlock()
    {
        using BaseModel model = BaseModel.Random(Tiny.Config, BasePrecision.Fp32, seed: 3);
        using var evaluation = new BatchedEvaluation();
        int offers = 0;
        EvaluationSums served = evaluation.Batch(model, null, Tiny.Rows(6), () => offers++);
        Assert.True(offers >= Tiny.Config.Layers);
        Assert.Equal(evaluation.Batch(model, null, Tiny.Rows(6)), served);
    }

    private static byte[] Train(string kind, Action? yieldPoint, int steps = 3)
    {
        var config = new TrainingConfig
        {
            Lora = kind == "full" ? null : new LoraConfig { Rank = 4, Dropout = 0.1 },
            Dpo = kind == "dpo" ? new DpoConfig() : null,
            GradientCheckpointing = kind == "recomputed",
            MicroBatchSize = 2,
            GradientAccumulationSteps = 2,
            MaxSteps = steps,
            Seed = 7,
        };
        List<TrainingRow> rows = kind == "dpo" ? [.. Tiny.Rows(12).Select((row, i) => row with { Rejected = Tiny.Rows(12)[(i + 5) % 12] })] : Tiny.Rows(12);
        using BaseModel model = BaseModel.Random(Tiny.Config, BasePrecision.Fp32, seed: 3);
        using var trainer = new Trainer(model, config, rows, kind == "dpo" ? null : Tiny.Rows(3), Directory.CreateTempSubdirectory("yields-").FullName, yieldPoint: yieldPoint);
        trainer.Run(_ => { }, null, yieldPoint);
        using Adapter? adapter = trainer.Adapter;
        return adapter is null ? [.. model.Weights.Parameters.SelectMany(weight => weight.bytes.ToArray())] : adapter.Values.Flat.bytes.ToArray();
    }

    private static List<int> Alone()
    {
        using var serving = new Serving();
        while (serving.Answers.Count == 0) serving.Serve();
        return serving.Answers[0];
    }

    /// <summary>Answers one prompt after the other; its model is loaded when it is first asked.</summary>
    private sealed class Serving : IDisposable
    {
        private BaseModel? _model;
        private Generator? _generator;
        private Talers.Heard? _asked;

        public List<List<int>> Answers { get; } = [];

        public void Serve()
        {
            _model ??= Talers.Load();
            _generator ??= new Generator(_model, 4, 128);
            _asked ??= _generator.Ask(Talers.Prompt(6), parameters: Talers.Greedy with { MaxTokens = 4 });
            _generator.Step();
            if (_asked.Finish is null) return;
            Answers.Add([.. _asked.Ids]);
            _asked = null;
        }

        public void Dispose()
        {
            _generator?.Dispose();
            _model?.Dispose();
        }
    }
}
