using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Training;
using FineTuneService.Engine.Training.Optimizers;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Training;

/// <summary>What a step takes, against what was said before it ran.</summary>
public sealed class MemoryEstimateTests
{
    private const int Rows = 4, Width = 128;

    public static TheoryData<string> Families => Shared.Entries("golden/models");

    [Theory, MemberData(nameof(Families))]
    public void Of_AStepOfEachFamily_IsWithinTenPercent(string name)
    {
        string folder = Shared.Path("golden", "models", name);
        if (!File.Exists(Path.Combine(folder, "config.json"))) return;
        using var scope = NewDisposeScope();
        using BaseModel model = BaseModel.Load(folder, BasePrecision.Fp32);
        foreach (LoraConfig? lora in new[] { new LoraConfig { Rank = 8 }, null })
        {
            var config = new TrainingConfig { Lora = lora, MicroBatchSize = Rows };
            MemoryEstimate estimate = Trainer.Estimate(model.Config, BasePrecision.Fp32, config, Rows, Rows * Width, Width).Memory;
            (long pool, long parameters, long state) = Run(model, config);
            Assert.Equal(model.Bytes, estimate.Base);
            Assert.Equal(parameters, estimate.Trained + estimate.Gradients);
            Assert.Equal(state, estimate.Optimizer);
            double ratio = (double)estimate.Total / (model.Bytes + parameters + state + pool);
            Assert.True(ratio is > 0.9 and < 1.1, $"{name}, {(lora is null ? "full" : "LoRA")}: estimated {ratio:0.000} of what the step took");
        }
    }

    private static (long Pool, long Parameters, long State) Run(BaseModel model, TrainingConfig config)
    {
        using Adapter? adapter = config.Lora is null ? null : Adapter.Create(model, config.Lora, seed: 1);
        using TrainedParameters parameters = adapter is null ? new ModelParameters(model.Config.Slots, model.Weights) : new AdapterParameters(adapter);
        using Optimizer optimizer = OptimizerTable.Make(config.Optimizer, parameters.Set(config.Optimizer));
        using var decoder = new Decoder(model.Config, model.Weights);
        using var step = new TrainingStep(decoder, parameters, adapter, optimizer, config);
        TrainingRow[] rows = [.. Enumerable.Range(0, Rows).Select(row => Enumerable.Range(0, Width).Select(i => (i * 7 + row * 3) % model.Config.VocabularySize).ToArray())
            .Select(ids => new TrainingRow(ids, ids))];
        for (int i = 0; i < 2; i++) step.Run([MicroBatch.Of(rows)], learningRate: 0);
        return (step.Pool.Bytes, 2 * parameters.Values.numel() * sizeof(float), optimizer.StateBytes);
    }
}
