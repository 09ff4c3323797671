using System.Text.Json;
using FineTuneService.FineTuningJobs;
using FineTuneService.Hosting;

namespace FineTuneService.Integrations;

/// <summary>The integrations that a job's body asks for: checked, stored with the job, and shown by it.</summary>
internal static class JobIntegrations
{
    private const string Mlflow = "mlflow", Param = "integrations[0]", Description = "mlflow.note.content";
    private const int LongestExperiment = 500, LongestRunName = 250, MostTags = 32, LongestTag = 5000;
    private static readonly string[] Reserved = ["finetune.", "mlflow."];

    /// <summary>Why they cannot be had, or null.</summary>
    public static IResult? Refuse(IReadOnlyList<IntegrationBody>? asked, MlflowOptions server)
    {
        if (asked is not { Count: > 0 }) return null;
        foreach ((int number, IntegrationBody one) in asked.Index())
        {
            if (one.Type != Mlflow) return Errors.BadRequest($"There is no integration '{Errors.Clip(one.Type)}' here; use mlflow.", param: $"integrations[{number}].type");
        }
        if (asked.Count > 1) return Errors.BadRequest("A job has one run on MLflow; give one integration.", param: "integrations");
        if (Problem(asked[0].Mlflow ?? new MlflowBody()) is { } problem) return Errors.BadRequest(problem.Message, param: $"{Param}.mlflow.{problem.Param}");
        return server.TrackingUri.Length > 0 ? null : Errors.BadRequest(
            "This service has no MLflow server: its operator names one in FineTune:Mlflow:TrackingUri (FineTune__Mlflow__TrackingUri in the environment). Until then, leave integrations out.",
            "integration_not_configured", Param);
    }

    /// <summary>As they are stored with the job; null where there are none.</summary>
    public static string? Stored(IReadOnlyList<IntegrationBody>? asked, MlflowOptions server)
    {
        if (asked is not { Count: > 0 }) return null;
        MlflowBody body = asked[0].Mlflow ?? new MlflowBody();
        return JsonSerializer.Serialize(body with { Experiment = body.Experiment ?? server.Experiment }, Json.Options);
    }

    /// <summary>The run that a job asked for; it has <see cref="FineTuningJob.Integrations"/>.</summary>
    public static MlflowBody Of(FineTuningJob job) => JsonSerializer.Deserialize<MlflowBody>(job.Integrations!, Json.Options)!;

    public static IReadOnlyList<IntegrationAnswer>? Answer(FineTuningJob job)
    {
        if (job.Integrations is null) return null;
        MlflowBody body = Of(job);
        TrackingState state = TrackingState.Of(job);
        return [new IntegrationAnswer(Mlflow, new MlflowAnswer(body.Experiment, body.RunName, body.Tags, state.ExperimentId, state.RunId, state.Status, state.Error))];
    }

    private static JobBodyProblem? Problem(MlflowBody body)
    {
        if (body.Experiment is { } experiment && (experiment.Trim().Length == 0 || experiment.Length > LongestExperiment)) return new("experiment", $"An experiment's name has 1 to {LongestExperiment} characters.");
        if (body.RunName is { } name && (name.Trim().Length == 0 || name.Length > LongestRunName)) return new("run_name", $"A run's name has 1 to {LongestRunName} characters.");
        if (body.Tags is not { } tags) return null;
        if (tags.Count > MostTags) return new("tags", $"A run takes {MostTags} tags of yours, and these are {tags.Count}.");
        foreach ((string key, string? value) in tags)
        {
            if (!MlflowKeys.IsKey(key)) return new("tags", $"MLflow takes no tag '{Errors.Clip(key)}': a name has at most {MlflowKeys.LongestKey} letters, digits, blanks and _ - . : /.");
            if (key != Description && Array.Exists(Reserved, start => key.StartsWith(start, StringComparison.OrdinalIgnoreCase))) return new("tags", $"'{Errors.Clip(key)}' is the service's own; use another name.");
            if (value is null || value.Length > LongestTag) return new("tags", $"The tag '{Errors.Clip(key)}' must be a text of at most {LongestTag} characters.");
        }
        return null;
    }
}
