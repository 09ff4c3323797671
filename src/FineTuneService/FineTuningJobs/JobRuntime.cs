using System.Text.Json;
using FineTuneService.Data;
using FineTuneService.Engine.Training;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.FineTuningJobs;

/// <summary>
/// What a job's steps have taken, in seconds, against its max_runtime. Waiting in the queue, pauses and evaluations do not count; steps before a
/// restart do, by the job's own events.
/// </summary>
internal sealed class JobRuntime(double spent, int? longest)
{
    private double _spent = spent;

    /// <summary>The job is to end with what it has learned.</summary>
    public bool IsOver => _spent >= longest;

    public void Add(StepFinished step) => _spent += step.Duration.TotalSeconds;

    public static async Task<JobRuntime> Of(FineTuningJob job, JobSettings settings, FineTuneDbContext db)
    {
        if (settings.MaxRuntime is not { } longest) return new JobRuntime(0, null);
        double spent = 0;
        await foreach (string told in db.JobEvents.AsNoTracking().Where(row => row.JobId == job.Id && row.Data != null).Select(row => row.Data!).AsAsyncEnumerable())
        {
            using JsonDocument data = JsonDocument.Parse(told);
            if (data.RootElement.TryGetProperty("seconds", out JsonElement seconds)) spent += seconds.GetDouble();
        }
        return new JobRuntime(spent, longest);
    }
}
