using System.Text.Json;
using FineTuneService.Adapters;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Training;
using FineTuneService.Files;
using FineTuneService.Hosting;
using FineTuneService.Integrations;
using FineTuneService.Models;

namespace FineTuneService.FineTuningJobs;

/// <summary>Swagger UI's examples of jobs.</summary>
internal static class JobExamples
{
    public static readonly CreateJobRequest Create = new()
    {
        Model = "talers-2m",
        TrainingFile = FileExamples.File.Id,
        Suffix = "support",
        Seed = 7,
        Metadata = new() { ["team"] = "support" },
        Lora = new LoraBody
        {
            Rank = 16,
            Alpha = 32,
            Dropout = 0.05,
            TargetModules = new OneOrMany(["all-linear"]),
            ExcludeModules = new OneOrMany(["layers.0.mlp.down_proj"]),
            RankPattern = new() { ["q_proj"] = 8 },
            AlphaPattern = new() { ["q_proj"] = 16 },
            UseRslora = false,
            UseDora = false,
            InitLoraWeights = new InitWeights("default"),
            Bias = "none",
        },
        Quantization = new QuantizationBody { Type = "nf4" },
        Training = new TrainingBody { LearningRate = 2e-4, LrScheduler = "cosine", Warmup = 0.03, BatchSize = 8, Epochs = 2 },
        Dataset = new DatasetBody { ValidationSplit = 0.1 },
    };

    private static readonly JobSettings Settings = new()
    {
        Lora = new LoraConfig
        {
            Rank = 16,
            Alpha = 32,
            Dropout = 0.05,
            ExcludeModules = ["layers.0.mlp.down_proj"],
            RankPattern = new Dictionary<string, int> { ["q_proj"] = 8 },
            AlphaPattern = new Dictionary<string, double> { ["q_proj"] = 16 },
        },
        Precision = AdapterExamples.Adapter.Precision,
        LearningRate = 2e-4,
        Scheduler = LrScheduler.Cosine,
        Warmup = 0.03,
        WeightDecay = 0,
        Beta1 = 0.9,
        Beta2 = 0.999,
        MaxGradNorm = 1,
        BatchSize = 8,
        MicroBatchSize = 8,
        Epochs = 2,
        EvalEvery = 60,
        SaveEvery = 60,
        ValidationSplit = 0.1,
        Seed = 7,
    };

    public static readonly JobBody Created = new()
    {
        Id = "ftjob-1a3s5d7f9g2h4j6k8l0z2x4c",
        Model = "talers-2m",
        CreatedAt = 1764000120,
        Status = JobStatus.ValidatingFiles,
        TrainingFile = FileExamples.File.Id,
        Seed = 7,
        Suffix = "support",
        Metadata = new() { ["team"] = "support" },
        Hyperparameters = new HyperparametersAnswer(2, 8, 1),
        Progress = new JobProgress(0, null, null, null, null),
        Settings = Settings,
        Warnings = [],
    };

    public static readonly JobBody Succeeded = Created with
    {
        Status = JobStatus.Succeeded,
        Progress = new JobProgress(240, 240, 2, 0.412, 0.466),
        StartedAt = 1764000130,
        FinishedAt = 1764000300,
        FineTunedModel = ModelExamples.Tuned,
        TrainedTokens = 61_440,
        Integrations = [new IntegrationAnswer("mlflow", new MlflowAnswer("support", "nightly", null, "1", "0f8c5d1f6a1f4a3c9c0d7d3b1e5a2c4b", "sent", null))],
    };

    public static readonly JobBody Cancelled = Created with { Status = JobStatus.Cancelled, FinishedAt = 1764000140 };
    public static readonly JobBody Running = Succeeded with { Status = JobStatus.Running, FinishedAt = null, FineTunedModel = null, TrainedTokens = null, Progress = new JobProgress(120, 240, 1, 0.531, 0.548), EstimatedFinish = 1764000300 };
    public static readonly JobBody Paused = Running with { Status = JobStatus.Paused, EstimatedFinish = null };
    public static readonly MetricsBody Metrics = new("fine_tuning.job.metrics", Created.Id, false, 0, 240, new Dictionary<string, MetricsColumn>
    {
        ["train_loss"] = new([120, 240], [0.531, 0.412], [0.52, 0.409], [1.91, 0.54], [120, 120]),
    });
    public static readonly Deleted Deleted = new(Created.Id, "fine_tuning.job");
    public static readonly Page<JobBody> Jobs = new([Succeeded], false, Succeeded.Id, Succeeded.Id);

    private static readonly EventBody Step = new(
        "ftevent-2w4e6r8t0y1u3i5o7p9a2s4d", "fine_tuning.job.event", 1764000200, "info", "Step 120/240: training loss=0.5310", "metrics",
        JsonSerializer.SerializeToElement(new { step = 120, total_steps = 240, train_loss = 0.531 }));

    public static readonly Page<EventBody> Events = new([Step], true, Step.Id, Step.Id);
    public static readonly string EventStream = $"id: {Step.Id}\ndata: {JsonSerializer.Serialize(Step, Json.Options)}\n\ndata: [DONE]\n\n";

    private static readonly CheckpointBody Checkpoint = new(
        "ftckpt-6f8h0j2k4l6z8x0c2v4b6n8m", "fine_tuning.job.checkpoint", 1764000210, $"{ModelExamples.Tuned}:ckpt-step-120", Created.Id, 120, new CheckpointMetrics(120, 0.531, 0.548));

    public static readonly Page<CheckpointBody> Checkpoints = new([Checkpoint], false, Checkpoint.Id, Checkpoint.Id);

    public static readonly EstimateBody Estimate = new("fine_tuning.job.estimate", 217_088, 1_988_288, 960, 106, 0, 240, 61_440, 868_352, new MemoryEstimate(1_150_000, 1_302_528, 868_352, 1_736_704, 9_400_000, 700_000), [], 48.2);

    public static readonly Page<TunableModel> TunableModels = new(
    [
        new TunableModel("talers-2m", "fine_tuning.model")
        {
            Parameters = 1_772_352,
            MaxSeqLength = 256,
            MaxSteps = 1_000_000,
            HasChatTemplate = true,
            Methods = ["supervised", "dpo"],
            Techniques = JobTechnique.Names,
            Quantization = [new TunablePrecision("none", 3_544_704, 12_400_000, true), new TunablePrecision("nf4", 1_260_000, 10_100_000, true)],
        },
    ], false, "talers-2m", "talers-2m");
}
