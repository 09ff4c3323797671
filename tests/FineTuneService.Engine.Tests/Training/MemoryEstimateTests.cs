using System.Text.Json.Nodes;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Training;
using FineTuneService.Engine.Training.Methods;
using FineTuneService.Engine.Training.Optimizers;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Training;

/// <summary>What a step takes, against what was said before it ran.</summary>
public sealed class MemoryEstimateTests
{
    private const int Rows = 2, Width = 40;

    public static TheoryData<string> Families => Shared.Entries("golden/models");

    [Theory, MemberData(nameof(Families))]
    public void Of_AStepOfEachFamily_IsWhatItTakes(string name)
    {
        string folder = Shared.Path("golden", "models", name);
        if (!File.Exists(Path.Combine(folder, "config.json"))) return;
        using var scope = NewDisposeScope();
        using BaseModel model = BaseModel.Load(folder, BasePrecision.Fp32);
        foreach ((string what, TrainingConfig config) in Techniques(model, name == FirstOf(model.Config.Slots.ModelType)))
        {
            MemoryEstimate estimate = Trainer.Estimate(model.Config, BasePrecision.Fp32, config, Rows, Rows * Width, Width).Memory;
            (long pool, long parameters, long state) = Run(model, config);
            Assert.Equal(model.Bytes, estimate.Base);
            Assert.Equal(parameters, estimate.Trained + estimate.Gradients);
            Assert.Equal(state, estimate.Optimizer);
            // Experts are taken to see as many tokens each as the others.
            double ratio = (double)(estimate.Activations + estimate.Head) / pool, most = model.Config.Experts is null ? 0.001 : 0.1;
            Assert.True(Math.Abs(ratio - 1) < most, $"{name}, {what}: estimated {ratio:0.0000} of what the step's buffers took");
        }
    }

    /// <summary>What decides how much a step keeps.</summary>
    /// <param name="all">Also what follows from the family's operations alone.</param>
    private static IEnumerable<(string, TrainingConfig)> Techniques(BaseModel model, bool all)
    {
        var lora = new LoraConfig { Rank = 8 };
        var config = new TrainingConfig { Lora = lora, MicroBatchSize = Rows };
        yield return ("LoRA", config);
        yield return ("full", config with { Lora = null });
        if (AdaptionPromptConfig.Families.Contains(model.Config.Slots.ModelType) && !model.Config.Slots.Layers[0].O.Bias)
        {
            yield return ("LLaMA-Adapter", config with { Lora = LoraConfig.OfPrompt(new AdaptionPromptConfig()) });
            yield return ("LLaMA-Adapter on all layers", config with { Lora = LoraConfig.OfPrompt(new AdaptionPromptConfig { Layers = model.Config.Layers }) });
        }
        if (!all) yield break;
        yield return ("LoRA, checkpointing", config with { GradientCheckpointing = true });
        yield return ("full, checkpointing", config with { Lora = null, GradientCheckpointing = true });
        yield return ("DoRA", config with { Lora = lora with { UseDora = true } });
        yield return ("LoRA on the last layer", config with { Lora = lora with { LayersToTransform = [model.Config.Layers - 1] } });
        yield return ("LoRA on the head", config with { Lora = lora with { TargetPattern = model.Config.Slots.Head.Parts[0].Module, TargetModules = [] } });
        yield return ("DPO", config with { Dpo = new DpoConfig() });
    }

    private static string FirstOf(string modelType) => Families.Select(row => row.Data).First(name =>
    {
        string config = Shared.Path("golden", "models", name, "config.json");
        return File.Exists(config) && (string?)JsonNode.Parse(File.ReadAllText(config))!["model_type"] == modelType;
    });

    private static (long Pool, long Parameters, long State) Run(BaseModel model, TrainingConfig config)
    {
        using Adapter? adapter = config.Lora is null ? null : Adapter.Create(model, config.Lora, seed: 1);
        using TrainedParameters parameters = adapter is null ? new ModelParameters(model.Config.Slots, model.Weights) : new AdapterParameters(adapter);
        using Optimizer optimizer = OptimizerTable.Make(config.Optimizer, parameters.Set(config.Optimizer));
        using var decoder = new Decoder(model.Config, model.Weights);
        using var step = new TrainingStep(decoder, parameters, adapter, optimizer, config);
        TrainingRow[] rows = [.. Enumerable.Range(0, Rows).Select(row => Enumerable.Range(0, Width).Select(i => (i * 7 + row * 3) % model.Config.VocabularySize).ToArray())
            .Select(ids => new TrainingRow(ids, ids) { Rejected = config.Dpo is null ? null : new TrainingRow(ids, ids) })];
        long before = -1;
        for (int i = 0; i < 7 && step.Pool.Bytes != before; i++)
        {
            before = step.Pool.Bytes;
            step.Run([step.Method.Batch(rows)], learningRate: 0);
        }
        return (step.Pool.Bytes, 2 * parameters.Values.numel() * sizeof(float), optimizer.StateBytes);
    }
}
