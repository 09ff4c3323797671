using System.Text.Json;
using FineTuneService.Data;
using FineTuneService.Hosting;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.FineTuningJobs;

/// <summary>A job's events as server-sent events, oldest first, from an id on without gap or repeat, until the job has ended.</summary>
internal static class JobEventStream
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(10);

    public static async Task<IResult> Send(string jobId, string? after, FineTuneDbContext db, HttpResponse response, CancellationToken cancel)
    {
        long last = 0;
        if (after is not null)
        {
            if (await db.JobEvents.AsNoTracking().FirstOrDefaultAsync(row => row.Id == after && row.JobId == jobId, cancel) is not { } known) return Errors.NotFound("event", after);
            last = known.Number;
        }
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-cache";
        DateTime quietSince = DateTime.UtcNow;
        while (true)
        {
            // The status is read first: an ended job's events are all there.
            string status = await db.Jobs.AsNoTracking().Where(job => job.Id == jobId).Select(job => job.Status).FirstAsync(cancel);
            List<JobEvent> events = await db.JobEvents.AsNoTracking().Where(row => row.JobId == jobId && row.Number > last).OrderBy(row => row.Number).ToListAsync(cancel);
            foreach (JobEvent row in events)
            {
                await response.WriteAsync($"id: {row.Id}\ndata: {JsonSerializer.Serialize(EventBody.Of(row), Json.Options)}\n\n", cancel);
                last = row.Number;
            }
            if (events.Count > 0) quietSince = DateTime.UtcNow;
            if (JobStatus.IsEnd(status)) break;
            if (DateTime.UtcNow - quietSince > Heartbeat)
            {
                await response.WriteAsync(": still here\n\n", cancel);
                quietSince = DateTime.UtcNow;
            }
            await response.Body.FlushAsync(cancel);
            await Task.Delay(Poll, cancel);
        }
        await response.WriteAsync("data: [DONE]\n\n", cancel);
        return Results.Empty;
    }
}
