using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Training;
using FineTuneService.Engine.Training.Optimizers;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Training.Methods;

/// <summary>What a token's weight does to a step's loss and gradients.</summary>
public sealed class RowWeightTests
{
    [Fact]
    public void Accumulate_WeightZero_EqualsALabelThatIsIgnored()
    {
        TrainingRow row = Row(9);
        float[] weights = [1, 1, 0, 1, 0, 0, 1, 1, 1];
        int[] ignored = [.. row.Labels.Select((label, i) => weights[i] == 0 ? TrainingRow.Ignored : label)];
        (StepResult weighted, float[] a) = Accumulate(row with { Weights = weights }, Row(6));
        (StepResult without, float[] b) = Accumulate(row with { Labels = ignored }, Row(6));
        Assert.Equal(without.Loss, weighted.Loss, 1e-6);
        Near(b, a);
    }

    [Fact]
    public void Accumulate_AllWeightsAlike_EqualsNone()
    {
        (StepResult weighted, float[] a) = Accumulate(Weighted(Row(9), 0.25f), Weighted(Row(6), 0.25f));
        (StepResult without, float[] b) = Accumulate(Row(9), Row(6));
        Assert.Equal(without.Loss, weighted.Loss, 1e-6);
        Near(b, a);
    }

    /// <summary>A row of weight 2 counts as much as the row twice.</summary>
    [Fact]
    public void Accumulate_WeightTwo_EqualsTheRowTwice()
    {
        (StepResult weighted, float[] a) = Accumulate(Weighted(Row(9), 2), Weighted(Row(6), 1));
        (StepResult twice, float[] b) = Accumulate(Row(9), Row(9), Row(6));
        Assert.Equal(twice.Loss, weighted.Loss, 1e-6);
        Near(b, a);
    }

    /// <summary>However its rows are divided into micro batches, a step's gradients are those of all of them together.</summary>
    [Fact]
    public void Accumulate_MicroBatches_EqualTheUndividedBatch()
    {
        TrainingRow[] rows = [Row(9), Weighted(Row(4), 0.5f), Row(11), Row(6), Row(3)];
        (StepResult whole, float[] a) = Accumulate([rows]);
        (StepResult divided, float[] b) = Accumulate([rows[..2], rows[2..3], rows[3..]]);
        Assert.Equal(whole.Loss, divided.Loss, 1e-6);
        Assert.Equal(whole.Tokens, divided.Tokens);
        Near(a, b);
    }

    private static TrainingRow Row(int length)
    {
        int[] ids = [.. Enumerable.Range(0, length).Select(i => (i * 7 + length * 5) % 64)];
        return new TrainingRow(ids, ids);
    }

    private static TrainingRow Weighted(TrainingRow row, float weight) => row with { Weights = [.. row.Ids.Select(_ => weight)] };

    private static (StepResult Result, float[] Gradients) Accumulate(params TrainingRow[] rows) => Accumulate([rows]);

    private static (StepResult Result, float[] Gradients) Accumulate(TrainingRow[][] microBatches)
    {
        using var scope = NewDisposeScope();
        var config = new TrainingConfig { Lora = null };
        using BaseModel model = BaseModel.Random(Tiny.Config, BasePrecision.Fp32, seed: 3);
        using var parameters = new ModelParameters(model.Config.Slots, model.Weights);
        using var optimizer = new Sgd(config.Optimizer, parameters.Set(config.Optimizer));
        using var decoder = new Decoder(model.Config, model.Weights);
        using var step = new TrainingStep(decoder, parameters, null, optimizer, config);
        StepResult result = step.Accumulate([.. microBatches.Select(rows => step.Method.Batch(rows))]);
        return (result, parameters.GradientValues.data<float>().ToArray());
    }

    private static void Near(float[] wanted, float[] made)
    {
        float most = wanted.Max(Math.Abs);
        Assert.True(most > 0);
        for (int i = 0; i < wanted.Length; i++) Assert.Equal(wanted[i], made[i], 2e-6 * most + 1e-9);
    }
}
