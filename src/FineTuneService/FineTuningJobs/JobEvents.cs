using System.Text.Json;
using FineTuneService.Data;
using FineTuneService.Hosting;

namespace FineTuneService.FineTuningJobs;

/// <summary>Makes a job's events. Numbers and wording are in one place.</summary>
internal static class JobEvents
{
    public static void Say(this FineTuneDbContext db, FineTuningJob job, TimeProvider clock, string message, string level = "info") =>
        db.JobEvents.Add(Row(job, clock, level, "message", message, null));

    /// <summary>Adds a warning, and tells of it: once, though a run that was cut off at its end comes here again.</summary>
    public static void Warn(this FineTuneDbContext db, FineTuningJob job, TimeProvider clock, string warning)
    {
        string[] before = job.Warnings is null ? [] : JsonSerializer.Deserialize<string[]>(job.Warnings)!;
        if (before.Contains(warning)) return;
        job.Warnings = JsonSerializer.Serialize<string[]>([.. before, warning]);
        db.Say(job, clock, warning, "warn");
    }

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
