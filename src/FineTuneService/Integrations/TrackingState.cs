using System.Text.Json;
using System.Text.Json.Serialization;
using FineTuneService.FineTuningJobs;
using FineTuneService.Hosting;

namespace FineTuneService.Integrations;

/// <summary>How far a job is told to the tracking server. Kept with the job: a start goes on where the last process was.</summary>
internal sealed record TrackingState
{
    public string? ExperimentId { get; init; }
    public string? RunId { get; init; }

    /// <summary>The number of the last of the job's events that is there.</summary>
    public long SentEvent { get; init; }

    /// <summary>The last step of each metric that is there.</summary>
    public IReadOnlyDictionary<string, int> SentSteps { get; init; } = new Dictionary<string, int>();

    /// <summary>Tries in a row that came to nothing.</summary>
    public int Attempts { get; init; }
    public string? Error { get; init; }

    /// <summary>Nothing more is sent: all is there, or what is not is refused.</summary>
    public bool Ended { get; init; }

    public static TrackingState Of(FineTuningJob job) => job.Tracking is { } json ? JsonSerializer.Deserialize<TrackingState>(json, Json.Options)! : new TrackingState();

    /// <summary>As it is stored.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Json.Options);

    /// <summary>On the wire.</summary>
    [JsonIgnore]
    public string Status => (Ended, Error, RunId) switch
    {
        (true, null, _) => "sent",
        (true, _, _) => "failed",
        (_, _, null) => "pending",
        _ => "sending",
    };
}
