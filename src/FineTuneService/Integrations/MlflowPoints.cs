using System.Text.Json;
using FineTuneService.FineTuningJobs;

namespace FineTuneService.Integrations;

/// <summary>A job's numbers as MLflow's points.</summary>
internal static class MlflowPoints
{
    /// <param name="events">In their order, none of which has been sent.</param>
    /// <param name="sent">The last step of each metric that is there.</param>
    /// <returns>The points that are not there yet, and the same with them. A run that went on from an earlier step tells of some steps twice, at other
    /// times, which would be further points: each is sent as it was told first.</returns>
    public static (IReadOnlyList<MlflowPoint> Points, IReadOnlyDictionary<string, int> Sent) Of(IEnumerable<JobEvent> events, IReadOnlyDictionary<string, int> sent)
    {
        var last = new Dictionary<string, int>(sent);
        var points = new List<MlflowPoint>();
        foreach (JobEvent told in events)
        {
            using JsonDocument data = JsonDocument.Parse(told.Data!);
            string before = JobMetrics.OtherSeed(data) is { } seed ? $"seed_{seed}/" : "";
            foreach ((string name, int step, double value) in JobMetrics.Numbers(data))
            {
                string key = before + Key(name);
                if (last.TryGetValue(key, out int there) && step <= there) continue;
                last[key] = step;
                points.Add(new MlflowPoint(key, value, told.CreatedAt * 1000, step));
            }
        }
        return (points, last);
    }

    /// <summary>eval_loss, as trainers that write to MLflow call it.</summary>
    private static string Key(string name) => name.StartsWith("valid_", StringComparison.Ordinal) ? "eval_" + name["valid_".Length..] : name;
}
