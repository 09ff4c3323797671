using FineTuneService.Hosting;

namespace FineTuneService.Integrations;

/// <summary>Where a job's run is told beside its own events.</summary>
public sealed record IntegrationBody
{
    /// <summary>mlflow.</summary>
    public required string Type { get; init; }
    public MlflowBody? Mlflow { get; init; }

    /// <summary>OpenAI's, which is refused by name.</summary>
    public NotBuilt? Wandb { get; init; }
}

/// <summary>A run on the service's MLflow server (FineTune:Mlflow).</summary>
public sealed record MlflowBody
{
    /// <summary>Its name, at most 500 characters; it is made where there is none. FineTune:Mlflow:Experiment unless given.</summary>
    public string? Experiment { get; init; }

    /// <summary>At most 250 characters; the job's id unless given.</summary>
    public string? RunName { get; init; }

    /// <summary>At most 32 of your own. Names that begin with finetune. or mlflow. are the service's, but for mlflow.note.content, the run's description.</summary>
    public Dictionary<string, string>? Tags { get; init; }
}

/// <summary>An integration, and how far it is.</summary>
public sealed record IntegrationAnswer(string Type, MlflowAnswer? Mlflow);

/// <param name="ExperimentId">On the MLflow server, as the run's; absent before the run is there.</param>
/// <param name="Status">pending, sending, sent (the run has ended there too), or failed.</param>
/// <param name="Error">Why it waits, or failed. The job does not depend on it.</param>
public sealed record MlflowAnswer(string? Experiment, string? RunName, IReadOnlyDictionary<string, string>? Tags, string? ExperimentId, string? RunId, string Status, string? Error);
