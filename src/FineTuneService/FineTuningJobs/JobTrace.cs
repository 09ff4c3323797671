using System.Diagnostics;
using FineTuneService.Hosting;

namespace FineTuneService.FineTuningJobs;

/// <summary>A job outlives the request that made it: its trace is one of its own, linked to the request's, and begins with the wait in the queue.</summary>
internal static class JobTrace
{
    public static Activity? Begin(FineTuningJob job, TimeProvider clock)
    {
        Activity.Current = null;
        ActivityLink[] links = ActivityContext.TryParse(job.TraceParent, null, out ActivityContext request) ? [new ActivityLink(request)] : [];
        DateTimeOffset created = DateTimeOffset.FromUnixTimeSeconds(job.CreatedAt);
        Activity? trace = Telemetry.Source.StartActivity(Telemetry.Spans.Job, ActivityKind.Internal, default(ActivityContext), links: links, startTime: created);
        trace?.SetTag(Telemetry.Keys.JobId, job.Id).SetTag(Telemetry.Keys.Tenant, job.TenantId).SetTag(Telemetry.Keys.RequestModel, job.Model);
        using (Activity? queue = Telemetry.Source.StartActivity(Telemetry.Spans.Queue, ActivityKind.Internal, default(ActivityContext), startTime: created))
            queue?.SetEndTime(clock.GetUtcNow().UtcDateTime);
        return trace;
    }

    /// <summary>Measures how long a job has waited for its turn.</summary>
    public static void Started(FineTuningJob job, TimeProvider clock) =>
        Telemetry.QueueWaitSeconds.Record((clock.GetUtcNow() - DateTimeOffset.FromUnixTimeSeconds(job.CreatedAt)).TotalSeconds, new KeyValuePair<string, object?>(Telemetry.Keys.RequestModel, job.Model));

    /// <summary>Counts a job that has ended, however far it came, and says in its trace how.</summary>
    public static void Ended(FineTuningJob job, string status, TimeProvider clock)
    {
        for (Activity? span = Activity.Current; span is not null; span = span.Parent)
        {
            if (span.OperationName != Telemetry.Spans.Job) continue;
            span.SetTag(Telemetry.Keys.JobStatus, status);
            if (status == JobStatus.Failed) span.SetStatus(ActivityStatusCode.Error);
        }
        TagList about = [new(Telemetry.Keys.JobStatus, status), new(Telemetry.Keys.RequestModel, job.Model)];
        Telemetry.Jobs.Add(1, about);
        Telemetry.JobSeconds.Record(clock.GetUtcNow().ToUnixTimeSeconds() - job.CreatedAt, about);
    }
}
