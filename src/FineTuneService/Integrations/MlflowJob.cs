using System.Globalization;
using System.Text.Json;
using FineTuneService.FineTuningJobs;
using FineTuneService.Hosting;

namespace FineTuneService.Integrations;

/// <summary>A job in MLflow's words: what its run is called, its parameters and its tags.</summary>
internal static class MlflowJob
{
    /// <summary>A parameter can be set once, and this one comes to be while the run goes on.</summary>
    private const string Changing = "micro_batch_divisions";

    /// <summary>The tag that only this job's run has.</summary>
    public static MlflowText Mark(FineTuningJob job) => new("finetune.job_id", job.Id);

    /// <summary>Unix milliseconds.</summary>
    public static long Began(FineTuningJob job) => (job.StartedAt ?? job.CreatedAt) * 1000;

    /// <summary>MLflow's word for how a job ended.</summary>
    public static string Status(FineTuningJob job) => job.Status switch
    {
        JobStatus.Succeeded => "FINISHED",
        JobStatus.Cancelled => "KILLED",
        _ => "FAILED",
    };

    /// <summary>Everything that the run depends on, with no "auto" left: lora.rank, training_file …</summary>
    public static IReadOnlyList<MlflowText> Parameters(FineTuningJob job)
    {
        var found = new Dictionary<string, string>();
        void Add(string name, string? value)
        {
            if (value is not null) found.TryAdd(MlflowKeys.Key(name), MlflowKeys.Cut(value, MlflowKeys.LongestParameter));
        }
        Add("model", job.Model);
        Add("training_file", job.TrainingFile);
        Add("validation_file", job.ValidationFile);
        Add("test_file", job.TestFile);
        using JsonDocument settings = JsonDocument.Parse(job.Settings);
        foreach (JsonProperty setting in settings.RootElement.EnumerateObject().Where(setting => setting.Name != Changing)) Flatten(setting.Name, setting.Value, Add);
        return Texts(found);
    }

    /// <summary>Whose run it is and of what, then the job's metadata and the tags that it asked for.</summary>
    public static IReadOnlyList<MlflowText> Tags(FineTuningJob job, MlflowBody asked)
    {
        var found = new Dictionary<string, string>
        {
            ["mlflow.user"] = job.TenantId,
            ["mlflow.source.name"] = "FineTuneService",
            ["mlflow.source.type"] = "JOB",
            ["finetune.tenant"] = job.TenantId,
            ["finetune.model"] = job.Model,
        };
        if (job.TrainingSha256 is { } sha256) found["finetune.training_sha256"] = sha256;
        foreach ((string key, string value) in asked.Tags ?? []) found.TryAdd(key, value);
        Dictionary<string, string> metadata = job.Metadata is null ? [] : JsonSerializer.Deserialize<Dictionary<string, string>>(job.Metadata)!;
        foreach ((string key, string value) in metadata) found.TryAdd(MlflowKeys.Key("metadata." + key), MlflowKeys.Cut(value, MlflowKeys.LongestTag));
        return Texts(found);
    }

    /// <summary>What it came to.</summary>
    public static IReadOnlyList<MlflowText> Result(FineTuningJob job)
    {
        var found = new Dictionary<string, string> { ["finetune.status"] = job.Status };
        if (job.FineTunedModel is { } model) found["finetune.fine_tuned_model"] = model;
        if (job.TrainedTokens is { } tokens) found["finetune.trained_tokens"] = tokens.ToString(CultureInfo.InvariantCulture);
        if (job.Error is { } error) found["finetune.error"] = JsonSerializer.Deserialize<JobError>(error, Json.Options)!.Code;
        return Texts(found);
    }

    private static void Flatten(string name, JsonElement value, Action<string, string?> add)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (JsonProperty field in value.EnumerateObject()) Flatten($"{name}.{field.Name}", field.Value, add);
                break;
            case JsonValueKind.String:
                add(name, value.GetString());
                break;
            case JsonValueKind.Null:
                break;
            default:
                add(name, value.GetRawText());
                break;
        }
    }

    private static MlflowText[] Texts(Dictionary<string, string> found) => [.. found.Select(one => new MlflowText(one.Key, one.Value))];
}
