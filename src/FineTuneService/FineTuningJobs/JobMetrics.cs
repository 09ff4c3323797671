using System.Text.Json;
using FineTuneService.Data;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.FineTuningJobs;

/// <summary>A number that a run has told of itself at a step.</summary>
internal readonly record struct Measurement(string Key, int Step, double Value);

/// <summary>A job's numbers, read from its events: what is drawn and what is downloaded are what happened.</summary>
internal static class JobMetrics
{
    /// <summary>Not numbers to draw: they are every column's own axis, or the same at each step.</summary>
    private static readonly string[] Axes = ["step", "total_steps", "seed"];

    /// <summary>In the order in which they were told. A run that went on from an earlier step tells of some steps twice, with the same numbers. Trainings with other
    /// seeds are not among them: what came of them is in the job's repeats.</summary>
    public static async IAsyncEnumerable<Measurement> Read(FineTuneDbContext db, string jobId)
    {
        IAsyncEnumerable<string?> rows = db.JobEvents.AsNoTracking().Where(row => row.JobId == jobId && row.Type == "metrics").OrderBy(row => row.Number).Select(row => row.Data).AsAsyncEnumerable();
        await foreach (string? row in rows)
        {
            using JsonDocument data = JsonDocument.Parse(row!);
            if (OtherSeed(data) is not null) continue;
            foreach (Measurement measured in Numbers(data)) yield return measured;
        }
    }

    /// <summary>The numbers of one event.</summary>
    public static IEnumerable<Measurement> Numbers(JsonDocument data)
    {
        int step = data.RootElement.GetProperty("step").GetInt32();
        foreach (JsonProperty field in data.RootElement.EnumerateObject())
        {
            if (field.Value.ValueKind == JsonValueKind.Number && !Axes.Contains(field.Name)) yield return new Measurement(field.Name, step, field.Value.GetDouble());
        }
    }

    /// <summary>The seed of the training that an event is of, where that is not the job's own but one of its repeats.</summary>
    public static ulong? OtherSeed(JsonDocument data) => data.RootElement.TryGetProperty("seed", out JsonElement seed) ? seed.GetUInt64() : null;
}
