using System.Text.Json.Nodes;
using FineTuneService.Tests.FineTuningJobs;

namespace FineTuneService.Tests.Integrations;

internal static class MlflowCalls
{
    /// <summary>Numbers of a job's events by metric, step and value, as its run should have them: each step once.</summary>
    public static async Task<(string, int, double)[]> Told(this HttpClient client, string job) =>
    [
        .. (await client.AllEvents(job)).Where(told => told["data"] is not null).Select(told => told["data"]!.AsObject())
            .SelectMany(data => data.Where(field => field.Key is not ("step" or "total_steps")).Select(field => (Name(field.Key), (int)data["step"]!, (double)field.Value!)))
            .DistinctBy(point => (point.Item1, point.Item2)).Order(),
    ];

    /// <summary>All points of a run's metrics.</summary>
    public static (string, int, double)[] Points(this JsonNode run) =>
        [.. run["metrics"]!.AsObject().SelectMany(metric => metric.Value!.AsArray().Select(point => (metric.Key, (int)point!["step"]!, (double)point["value"]!))).Order()];

    /// <summary>The job once nothing more of it is sent.</summary>
    public static async Task<JsonNode> Sent(this HttpClient client, string job)
    {
        while (true)
        {
            JsonNode body = await client.Get($"/v1/fine_tuning/jobs/{job}");
            if ((string?)body.Run()["status"] is "sent" or "failed") return body;
            await Task.Delay(50);
        }
    }

    /// <summary>What a job's answer says of its run.</summary>
    public static JsonNode Run(this JsonNode job) => job["integrations"]![0]!["mlflow"]!;

    private static string Name(string field) => field.StartsWith("valid_", StringComparison.Ordinal) ? "eval_" + field[6..] : field;
}
