using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Training;
using FineTuneService.Engine.Training.Optimizers;

namespace FineTuneService.Engine.Tests.Training.Optimizers;

/// <summary>A run that was stopped goes on from its checkpoint to the same bits, whatever its optimizer keeps.</summary>
public sealed class OptimizerResumeTests : IDisposable
{
    private const int Steps = 8, Stopped = 5;
    private readonly TemporaryFolder _folder = new();

    /// <summary>Every optimizer, and each with its state paged.</summary>
    public static TheoryData<string, bool> All => new MatrixTheoryData<string, bool>([.. OptimizerTable.Names], [false, true]);

    [Theory, MemberData(nameof(All))]
    public void Run_StoppedAndResumed_EndsOnTheSameBits(string optimizer, bool paged)
    {
        var config = new TrainingConfig
        {
            Lora = new LoraConfig { Rank = 130 }, // 130 × 32 elements: some state is in 8 bits, some is too small for it.
            LearningRate = 1e-3,
            MicroBatchSize = 2,
            MaxSteps = Steps,
            SaveEvery = 2,
            Optimizer = new OptimizerConfig { Name = optimizer, Paged = paged, Momentum = 0.9, WeightDecay = 0.01, LoraPlusRatio = 4 },
        };
        byte[] through = Run(config, "through", int.MaxValue), until = Run(config, "stopped", Stopped);
        Assert.NotEqual(through, until);
        Assert.Equal(through, Run(config, "stopped", int.MaxValue));
    }

    public void Dispose() => _folder.Dispose();

    private byte[] Run(TrainingConfig config, string folder, int stopAfter)
    {
        using BaseModel model = BaseModel.Random(Tiny.Config, BasePrecision.Fp32, seed: 3);
        using var trainer = new Trainer(model, config, Tiny.Rows(18), null, Path.Combine(_folder.Path, folder));
        using Adapter adapter = trainer.Adapter!;
        int done = 0;
        trainer.Run(happened => done = happened is StepFinished step ? step.Step : done, () => done >= stopAfter);
        return adapter.Values.Flat.bytes.ToArray();
    }
}
