using System.Text.Json;
using System.Text.Json.Serialization;
using FineTuneService.Engine.Training;
using FineTuneService.Hosting;
using FineTuneService.Integrations;

namespace FineTuneService.FineTuningJobs;

/// <summary>OpenAI's job object, with ours beside it: progress, the resolved settings, warnings, the place in the queue.</summary>
public sealed record JobBody
{
    public string Object => "fine_tuning.job";
    public required string Id { get; init; }
    public required string Model { get; init; }
    public required long CreatedAt { get; init; }
    public required string Status { get; init; }
    public required string TrainingFile { get; init; }
    public string OrganizationId => "";
    public IReadOnlyList<string> ResultFiles { get; init; } = [];
    public required long Seed { get; init; }
    public required HyperparametersAnswer Hyperparameters { get; init; }
    public MethodAnswer Method => Settings.Dpo is { } dpo
        ? new("dpo", null, new PreferenceAnswer(new PreferenceHyperparametersAnswer(Hyperparameters.NEpochs, Hyperparameters.BatchSize, Hyperparameters.LearningRateMultiplier, dpo.Beta)))
        : new("supervised", new SupervisedAnswer(Hyperparameters), null);
    public required JobProgress Progress { get; init; }

    /// <summary>Everything that the run depends on, with no "auto" left.</summary>
    public required JobSettings Settings { get; init; }
    public required IReadOnlyList<string> Warnings { get; init; }

    /// <summary>The tasks' figures before and after training, where the job has evaluate.</summary>
    public JobTasks? Evaluation { get; init; }

    /// <summary>What its trainings came to, where the job has repeats.</summary>
    public RepeatsBody? Repeats { get; init; }
    public Dictionary<string, string>? Metadata { get; init; }

    /// <summary>The run on MLflow, and how far it is; absent where none was asked for.</summary>
    public IReadOnlyList<IntegrationAnswer>? Integrations { get; init; }
    public string? Suffix { get; init; }

    /// <summary>The suffix, where OpenAI's .NET client looks for it.</summary>
    public string? UserProvidedSuffix => Suffix;

    /// <summary>Jobs that are before it; absent once it runs.</summary>
    public int? QueuePosition { get; init; }

    /// <summary>Larger is more urgent, among your own jobs.</summary>
    public int Priority { get; init; }

    /// <summary>When the last step will have been done, as steps go now, and always in the future; absent unless it runs.</summary>
    public long? EstimatedFinish { get; init; }
    public long? StartedAt { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? ValidationFile { get; init; }

    /// <summary>What the trained adapter is scored on, once, at the end.</summary>
    public string? TestFile { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public long? FinishedAt { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? FineTunedModel { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public long? TrainedTokens { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public JobError? Error { get; init; }

    public static JobBody Of(FineTuningJob job, int? queuePosition, TimeProvider clock)
    {
        JobSettings settings = JobSettings.Of(job);
        return new JobBody
        {
            Id = job.Id,
            Model = job.Model,
            CreatedAt = job.CreatedAt,
            Status = job.Status,
            TrainingFile = job.TrainingFile,
            ValidationFile = job.ValidationFile,
            TestFile = job.TestFile,
            Seed = (long)settings.Seed,
            Suffix = job.Suffix,
            Settings = settings,
            QueuePosition = queuePosition,
            Hyperparameters = new HyperparametersAnswer(settings.Epochs, settings.BatchSize, Math.Round(settings.LearningRate / JobSettingsReader.DefaultRate(settings.Dpo is not null, settings.Technique), 6)),
            Progress = new JobProgress(job.Step, job.TotalSteps, job.Epoch, job.TrainLoss, job.ValidationLoss, job.TestLoss),
            Warnings = job.Warnings is null ? [] : JsonSerializer.Deserialize<string[]>(job.Warnings)!,
            Metadata = job.Metadata is null ? null : JsonSerializer.Deserialize<Dictionary<string, string>>(job.Metadata),
            Evaluation = job.Evaluation is null ? null : JsonSerializer.Deserialize<JobTasks>(job.Evaluation, Json.Options),
            Repeats = job.Repeats is null ? null : RepeatsBody.Of(JsonSerializer.Deserialize<RepeatResult[]>(job.Repeats, Json.Options)!),
            Integrations = JobIntegrations.Answer(job),
            Priority = job.Priority,
            EstimatedFinish = FinishEstimate.Of(job, clock.GetUtcNow().ToUnixTimeSeconds()),
            ResultFiles = job.ResultFile is { } file ? [file] : [],
            StartedAt = job.StartedAt,
            FinishedAt = job.FinishedAt,
            FineTunedModel = job.FineTunedModel,
            TrainedTokens = job.TrainedTokens,
            Error = job.Error is null ? null : JsonSerializer.Deserialize<JobError>(job.Error, Json.Options),
        };
    }
}

/// <summary>OpenAI's hyperparameters, resolved; the batch size once the file has been read.</summary>
public sealed record HyperparametersAnswer(int NEpochs, int? BatchSize, double LearningRateMultiplier);

/// <summary>OpenAI's newer place for them.</summary>
public sealed record MethodAnswer(string Type, SupervisedAnswer? Supervised, PreferenceAnswer? Dpo);

public sealed record PreferenceAnswer(PreferenceHyperparametersAnswer Hyperparameters);

public sealed record PreferenceHyperparametersAnswer(int NEpochs, int? BatchSize, double LearningRateMultiplier, double Beta);

public sealed record SupervisedAnswer(HyperparametersAnswer Hyperparameters);

/// <param name="TestLoss">Of the trained adapter on the test file; once the job has trained.</param>
public sealed record JobProgress(int Step, int? TotalSteps, double? Epoch, double? TrainLoss, double? ValidationLoss, double? TestLoss = null);

/// <summary>Why a job failed. Codes that begin with invalid_ are the job's own mistakes; server_error is the service's.</summary>
public sealed record JobError(string Code, string Message, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Param);

/// <summary>OpenAI's event object.</summary>
public sealed record EventBody(string Id, string Object, long CreatedAt, string Level, string Message, string Type, JsonElement? Data)
{
    public static EventBody Of(JobEvent row) => new(
        row.Id, "fine_tuning.job.event", row.CreatedAt, row.Level, row.Message, row.Type, row.Data is null ? null : JsonSerializer.Deserialize<JsonElement>(row.Data));
}

/// <summary>OpenAI's checkpoint object.</summary>
/// <param name="FineTunedModelCheckpoint">Its name as a model.</param>
public sealed record CheckpointBody(string Id, string Object, long CreatedAt, string FineTunedModelCheckpoint, string FineTuningJobId, int StepNumber, CheckpointMetrics Metrics)
{
    public static CheckpointBody Of(JobCheckpoint row) => new(
        row.Id, "fine_tuning.job.checkpoint", row.CreatedAt, row.Model ?? "", row.JobId, row.Step, new CheckpointMetrics(row.Step, row.TrainLoss, row.ValidationLoss));
}

public sealed record CheckpointMetrics(int Step, double? TrainLoss, double? FullValidLoss);

/// <summary>What a job would take.</summary>
/// <param name="Tokens">Of all epochs.</param>
/// <param name="Memory">Bytes at the peak, by part.</param>
/// <param name="Seconds">Of all steps, by steps of a few of the rows that were done on this machine just now. Absent where the base is not loaded
/// (measure=true loads it), and in full training.</param>
public sealed record EstimateBody(
    string Object, long TrainableParameters, long TotalParameters, int TrainRows, int ValidationRows, int TruncatedRows, int Steps, long Tokens,
    long AdapterBytes, MemoryEstimate Memory, IReadOnlyList<string> Warnings, double? Seconds = null);
