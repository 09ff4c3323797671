using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using FineTuneService.Engine.Quantization;
using FineTuneService.Engine.Training;
using FineTuneService.FineTuningJobs;

namespace FineTuneService.Tests.FineTuningJobs;

/// <summary>Every value of the presets in the design's table.</summary>
public sealed class PresetTests(TestService service) : IClassFixture<TestService>
{
    [Fact]
    public void Default_AllLinearRank16Alpha32AdamWCosineWarmup3PercentOneEpoch()
    {
        JobSettings settings = Read(new CreateJobRequest { Model = "m", TrainingFile = "f", Preset = "default" });
        Assert.Equal(["all-linear"], settings.Lora!.TargetModules);
        Assert.Equal((16, 32.0, "adamw", LrScheduler.Cosine, 0.03, 1), (settings.Lora!.Rank, settings.Lora!.Alpha, settings.Optimizer, settings.Scheduler, settings.Warmup, settings.Epochs));
        JobSettings unasked = Read(new CreateJobRequest { Model = "m", TrainingFile = "f" });
        Assert.Equal(Text(unasked), Text(settings with { Preset = null })); // The service's own defaults are this preset.
    }

    [Fact]
    public void Lightning_Rank8Alpha16Dropout005QAndVRate3e4Batch128Micro1Decay001Warmup100()
    {
        JobSettings settings = Read(new CreateJobRequest { Model = "m", TrainingFile = "f", Preset = "lightning" });
        Assert.Equal(["q_proj", "v_proj"], settings.Lora!.TargetModules);
        Assert.Equal((8, 16.0, 0.05), (settings.Lora!.Rank, settings.Lora!.Alpha, settings.Lora!.Dropout));
        Assert.Equal((3e-4, 128, 1, 0.01, 100.0), (settings.LearningRate, settings.BatchSize, settings.MicroBatchSize, settings.WeightDecay, settings.Warmup));
        TrainingConfig config = settings.For(1000);
        Assert.Equal((1, 128, 100), (config.MicroBatchSize, config.GradientAccumulationSteps, config.WarmupSteps));
    }

    [Fact]
    public void Best_Nf4AllLinearAndHeadRank256Alpha512AdamWCosine()
    {
        JobSettings settings = Read(new CreateJobRequest { Model = "m", TrainingFile = "f", Preset = "best" });
        Assert.Equal(["all-linear+lm_head"], settings.Lora!.TargetModules);
        Assert.Equal((256, 512.0, "adamw", LrScheduler.Cosine), (settings.Lora!.Rank, settings.Lora!.Alpha, settings.Optimizer, settings.Scheduler));
        Assert.Equal(QuantizationType.Nf4, settings.Precision.Quantization);
    }

    [Fact]
    public void Sgd_Rate01Momentum09()
    {
        JobSettings settings = Read(new CreateJobRequest { Model = "m", TrainingFile = "f", Preset = "sgd" });
        Assert.Equal(("sgd", 0.1, 0.9), (settings.Optimizer, settings.LearningRate, settings.Momentum));
        TrainingConfig config = settings.For(100);
        Assert.Equal(("sgd", 0.9), (config.Optimizer.Name, config.Optimizer.Momentum));
    }

    [Theory]
    [InlineData("llama-adapter", "llama_adapter", 9e-3, 0.02)]
    [InlineData("full", "full", 3e-5, null)]
    public void OtherTechniques_TheirRateAndDecay(string preset, string technique, double rate, double? decay)
    {
        JobSettings settings = Read(new CreateJobRequest { Model = "m", TrainingFile = "f", Preset = preset });
        Assert.Equal((technique, rate, decay ?? 0), (settings.Technique, settings.LearningRate, settings.WeightDecay));
        Assert.Null(settings.Lora);
        Assert.Equal(technique == "llama_adapter", settings.For(10).Lora?.Prompt is not null);
    }

    [Fact]
    public void Names_AreThoseOfTheTable() => Assert.Equal(["default", "lightning", "best", "sgd", "llama-adapter", "full"], Presets.Names);

    [Fact]
    public void Under_WhatTheBodySays_Wins()
    {
        JobSettings settings = Read(new CreateJobRequest
        {
            Model = "m",
            TrainingFile = "f",
            Preset = "lightning",
            Lora = new LoraBody { R = 4, LoraDropout = 0.2 },
            Training = new TrainingBody { LearningRate = 1e-3 },
            Hyperparameters = new HyperparametersBody { BatchSize = new Auto(10) },
        });
        Assert.Equal((4, 8.0, 0.2, 1e-3, 10, 1), (settings.Lora!.Rank, settings.Lora!.Alpha, settings.Lora!.Dropout, settings.LearningRate, settings.BatchSize, settings.MicroBatchSize));
        Assert.Equal((0.01, 100.0), (settings.WeightDecay, settings.Warmup));
        Assert.Equal(["q_proj", "v_proj"], settings.Lora!.TargetModules);
        JobSettings adam = Read(new CreateJobRequest { Model = "m", TrainingFile = "f", Preset = "sgd", Training = new TrainingBody { Optimizer = "adamw" } });
        Assert.Equal(("adamw", JobSettingsReader.DefaultLearningRate, 0.0), (adam.Optimizer, adam.LearningRate, adam.Momentum)); // 0.1 would wreck it.
    }

    [Fact]
    public async Task Create_WithAPreset_RunsAndShowsWhatItResolvedTo()
    {
        HttpClient client = service.With(await service.NewTenant("presets"));
        string file = await client.Upload(Evaluations.EvaluationTests.Chat(12));
        JsonNode job = await client.Post("/v1/fine_tuning/jobs", new { model = TestService.BaseModel, training_file = file, preset = "sgd", training = new { max_steps = 2 } });
        JsonNode settings = (await client.Ended((string)job["id"]!))["settings"]!;
        Assert.Equal(("sgd", "sgd", 0.1, 0.9), ((string?)settings["preset"], (string?)settings["optimizer"], (double)settings["learning_rate"]!, (double)settings["momentum"]!));
        JsonNode error = await client.PostAsJsonAsync("/v1/fine_tuning/jobs", new { model = TestService.BaseModel, training_file = file, preset = "fast" }, TestContext.Current.CancellationToken).Error(HttpStatusCode.BadRequest);
        Assert.Equal("preset", (string?)error["param"]);
        Assert.Contains("lightning", (string?)error["message"]);
    }

    private static string Text(JobSettings settings) => System.Text.Json.JsonSerializer.Serialize(settings, global::FineTuneService.Hosting.Json.Options);

    private static JobSettings Read(CreateJobRequest body)
    {
        JobSettings? settings = JobSettingsReader.Read(body, fastBf16: false, out JobBodyProblem? problem);
        Assert.Null(problem);
        return settings!;
    }
}
