using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using FineTuneService.Data;
using FineTuneService.Hosting;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.FineTuningJobs;

/// <summary>
/// A job's events as server-sent events, oldest first, from an id on without gap or repeat, until the job has ended. They are read a
/// page at a time, and a stream that has caught up sleeps until the job's next commit. It also ends where the service stops:
/// the client goes on after the last id that it got.
/// </summary>
internal sealed class JobEventStream(JobEventWake wake, IHostApplicationLifetime lifetime)
{
    private const int PageRows = 200;
    private const int HeartbeatsUnlooked = 6;
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(10);

    public async Task<IResult> Send(string jobId, string? after, FineTuneDbContext db, HttpResponse response, CancellationToken cancel)
    {
        long last = 0;
        if (after is { Length: > 0 })
        {
            if (await db.JobEvents.AsNoTracking().FirstOrDefaultAsync(row => row.Id == after && row.JobId == jobId, cancel) is not { } known) return Errors.NotFound("event", after);
            last = known.Number;
        }
        return TypedResults.ServerSentEvents(Read(jobId, last, db, response, cancel));
    }

    private async IAsyncEnumerable<SseItem<string>> Read(
        string jobId, long last, FineTuneDbContext db, HttpResponse response, [EnumeratorCancellation] CancellationToken cancel)
    {
        using var leaving = new Leaving(wake, jobId);
        while (!lifetime.ApplicationStopping.IsCancellationRequested)
        {
            Task next = wake.Next(jobId);
            // The status is read first: an ended job's events are all there.
            string? status = await db.Jobs.AsNoTracking().Where(job => job.Id == jobId).Select(job => job.Status).FirstOrDefaultAsync(cancel);
            List<JobEvent> page = await db.JobEvents.AsNoTracking()
                .Where(row => row.JobId == jobId && row.Number > last).OrderBy(row => row.Number).Take(PageRows).ToListAsync(cancel);
            foreach (JobEvent row in page)
            {
                yield return new SseItem<string>(JsonSerializer.Serialize(EventBody.Of(row), Json.Options)) { EventId = row.Id };
                last = row.Number;
            }
            if (page.Count == PageRows) continue;
            if (status is null) yield break; // It was deleted.
            if (JobStatus.IsEnd(status)) break;
            await Wait(next, response, cancel);
        }
        if (!lifetime.ApplicationStopping.IsCancellationRequested) yield return new SseItem<string>("[DONE]");
    }

    /// <summary>
    /// Until the job's next commit, or the service's end. A comment in between keeps proxies from closing the connection. Once a
    /// minute the stream looks by itself, as an update that names no job's row wakes nobody.
    /// </summary>
    private async Task Wait(Task next, HttpResponse response, CancellationToken cancel)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancel, lifetime.ApplicationStopping);
        await response.Body.FlushAsync(cancel);
        for (int beat = 0; beat < HeartbeatsUnlooked && !next.IsCompleted && !ending.IsCancellationRequested; beat++)
        {
            await next.WaitAsync(Heartbeat, ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (next.IsCompleted || ending.IsCancellationRequested) continue;
            await response.WriteAsync(": still here\n\n", cancel);
            await response.Body.FlushAsync(cancel);
        }
    }

    private sealed class Leaving(JobEventWake wake, string jobId) : IDisposable
    {
        public void Dispose() => wake.Leave(jobId);
    }
}
