using System.Text.Json;
using FineTuneService.Data;
using FineTuneService.Hosting;

namespace FineTuneService.FineTuningJobs;

/// <summary>Makes a job's events. Numbers and wording are in one place.</summary>
internal static class JobEvents
{
    public static void Say(this FineTuneDbContext db, FineTuningJob job, TimeProvider clock, string message, string level = "info") =>
        db.JobEvents.Add(Row(job, clock, level, "message", message, null));

    /// <param name="data">The numbers, in snake case on the wire.</param>
    public static void Measure(this FineTuneDbContext db, FineTuningJob job, TimeProvider clock, string message, object data) =>
        db.JobEvents.Add(Row(job, clock, "info", "metrics", message, JsonSerializer.Serialize(data, Json.Options)));

    private static JobEvent Row(FineTuningJob job, TimeProvider clock, string level, string type, string message, string? data) => new()
    {
        Id = Ids.New("ftevent"),
        TenantId = job.TenantId,
        JobId = job.Id,
        Level = level,
        Type = type,
        Message = message,
        Data = data,
        CreatedAt = clock.GetUtcNow().ToUnixTimeSeconds(),
    };
}
