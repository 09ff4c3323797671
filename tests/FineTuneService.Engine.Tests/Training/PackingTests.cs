using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Training;
using FineTuneService.Engine.Training.Optimizers;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Training;

/// <summary>Rows that are packed one behind the other train as if each were alone.</summary>
public sealed class PackingTests
{
    [Fact]
    public void Accumulate_PackedRows_EqualsTheSameRowsApart()
    {
        TrainingRow[] rows = [.. Tiny.Rows(7)];
        IReadOnlyList<TrainingRow> packed = Packing.Pack(rows, capacity: 24, PackingStrategy.BestFit);
        Assert.True(packed.Count < rows.Length && packed.Any(row => row.Ids.Length < 24));
        (StepResult apart, float[] wanted) = Accumulate(rows);
        (StepResult together, float[] made) = Accumulate(packed);
        Assert.Equal(apart.Tokens, together.Tokens);
        Assert.Equal(apart.Loss, together.Loss, 1e-6);
        float most = wanted.Max(Math.Abs);
        for (int i = 0; i < wanted.Length; i++) Assert.Equal(wanted[i], made[i], 5e-6 * most);
    }

    [Fact]
    public void Trainer_SequencesThatAreNotTheRow_AreRefused()
    {
        using BaseModel model = BaseModel.Random(Tiny.Config, BasePrecision.Fp32, seed: 3);
        foreach (int[] lengths in new int[][] { [2, 2], [5, 0], [6, -1] })
        {
            TrainingRow row = Tiny.Rows(1)[0] with { SequenceLengths = lengths };
            Assert.Contains("packed sequences", Assert.Throws<ArgumentException>(() => new Trainer(model, new TrainingConfig(), [row], null, "nowhere")).Message);
        }
    }

    private static (StepResult Result, float[] Gradients) Accumulate(IReadOnlyList<TrainingRow> rows)
    {
        using var scope = NewDisposeScope();
        var config = new TrainingConfig { Lora = null };
        using BaseModel model = BaseModel.Random(Tiny.Config, BasePrecision.Fp32, seed: 3);
        using var parameters = new ModelParameters(model.Config.Slots, model.Weights);
        using var optimizer = new Sgd(config.Optimizer, parameters.Set(config.Optimizer));
        using var decoder = new Decoder(model.Config, model.Weights);
        using var step = new TrainingStep(decoder, parameters, null, optimizer, config);
        StepResult result = step.Accumulate([step.Method.Batch(rows)]);
        return (result, parameters.GradientValues.data<float>().ToArray());
    }
}
