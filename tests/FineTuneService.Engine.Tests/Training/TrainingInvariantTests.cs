using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Quantization;
using FineTuneService.Engine.Tests.Models;
using FineTuneService.Engine.Training;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Training;

/// <summary>What must hold of every run, whatever it learns.</summary>
public sealed class TrainingInvariantTests
{
    [Theory, InlineData(ComputeDtype.Fp32), InlineData(ComputeDtype.Bf16)]
    public void Forward_AdapterWhoseBIsZero_LeavesLogitsUnchanged(ComputeDtype dtype)
    {
        using var scope = NewDisposeScope();
        using BaseModel model = BaseModel.Random(Tiny.Config, new BasePrecision(dtype), seed: 3);
        using Adapter adapter = Adapter.Create(model, new LoraConfig { TargetModules = [LoraConfig.AllLinearAndHead] }, seed: 4);
        using var run = new ReferenceRun(model);
        int[][] rows = [[1, 2, 3, 4, 5], [9, 8, 7]];
        Assert.True(run.Logits(rows).Equals(run.Logits(rows, adapter)));
    }

    [Fact]
    public void Run_Lora_LeavesTheBaseBitForBit()
    {
        using BaseModel model = BaseModel.Random(Tiny.Config, BasePrecision.Fp32, seed: 3);
        byte[][] Bytes() => [.. model.Weights.Parameters.Select(weight => weight.bytes.ToArray())];
        byte[][] before = Bytes();
        Train(model, steps: 5, _ => { });
        Assert.Equal(before, Bytes());
    }

    [Fact]
    public void Run_ThousandSteps_KeepsTensorsAndMemoryFlat()
    {
        using BaseModel model = BaseModel.Random(Tiny.Config, new BasePrecision(ComputeDtype.Fp32, QuantizationType.Nf4, true), seed: 3);
        var held = new Dictionary<int, Footprint>();
        Train(model, steps: 1100, step =>
        {
            if (step is 100 or 600 or 1100) held[step] = Footprint.Take();
        });
        Footprint.AssertFlat(held[100], held[600], held[1100]);
    }

    /// <summary>The counts of the articles that design/performance.md names.</summary>
    [Theory]
    [InlineData(4096, 11008, 32, 32000, 8, "q_proj v_proj", 4_194_304)]
    [InlineData(4096, 11008, 32, 32000, 8, LoraConfig.AllLinearAndHead, 20_277_248)]
    [InlineData(4096, 11008, 32, 32000, 16, LoraConfig.AllLinearAndHead, 40_554_496)]
    [InlineData(4096, 11008, 32, 32000, 256, LoraConfig.AllLinearAndHead, 648_871_936)]
    [InlineData(3200, 8640, 26, 32000, 8, "q_proj v_proj", 2_662_400)]
    [InlineData(3200, 8640, 26, 32000, 16, "q_proj v_proj", 5_324_800)]
    [InlineData(3200, 8640, 26, 32000, 8, LoraConfig.AllLinearAndHead, 12_994_560)]
    public void Estimate_ArticlesShapes_CountsTrainableParametersExactly(int hidden, int intermediate, int layers, int vocabulary, int rank, string targets, long trainable)
    {
        var model = new ModelConfig
        {
            HiddenSize = hidden,
            IntermediateSize = intermediate,
            Layers = layers,
            Heads = 32,
            KeyValueHeads = 32,
            HeadDim = hidden / 32,
            VocabularySize = vocabulary,
        };
        var config = new TrainingConfig { Lora = new LoraConfig { Rank = rank, TargetModules = targets.Split(' ') }, MicroBatchSize = 1 };
        Assert.Equal(trainable, Trainer.Estimate(model, BasePrecision.Bf16, config, rows: 10, tokens: 1000, longestRow: 100).TrainableParameters);
        if (hidden == 4096) Assert.Equal(6_738_415_616, model.ParameterCount);
    }

    private static void Train(BaseModel model, int steps, Action<int> onStep)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("invariants-");
        TrainingRow[] rows = [.. Enumerable.Range(0, 40).Select(i => Row(4 + i % 9, i))];
        var config = new TrainingConfig { Lora = new LoraConfig { Rank = 4, Dropout = 0.1 }, MicroBatchSize = 2, Epochs = 1000, MaxSteps = steps, WarmupSteps = 2 };
        using (var trainer = new Trainer(model, config, rows, null, folder.FullName))
        using (trainer.Adapter)
        {
            trainer.Run(happened =>
            {
                if (happened is StepFinished step) onStep(step.Step);
            });
        }
        folder.Delete(recursive: true);
    }

    private static TrainingRow Row(int length, int seed)
    {
        int[] ids = [.. Enumerable.Range(0, length).Select(i => (i * 7 + seed) % 64)];
        return new TrainingRow(ids, ids);
    }
}
