namespace FineTuneService.FineTuningJobs;

/// <summary>When a running job is expected to end. OpenAI's .NET client sleeps until then: it fails where that has passed, and sleeps half a minute where nothing is said.</summary>
internal static class FinishEstimate
{
    /// <summary>Seconds. An estimate that has passed means any moment now.</summary>
    private const int Soonest = 2;

    /// <returns>Unix seconds, always after now; null unless it runs.</returns>
    /// <param name="now">Unix seconds.</param>
    public static long? Of(FineTuningJob job, long now)
    {
        if (job.Status != JobStatus.Running) return null;
        // Before the first step nothing is known but how long it has run: as long again, as of anything whose length nobody knows.
        long finish = job.EstimatedFinish ?? now + (now - (job.StartedAt ?? now));
        return Math.Max(finish, now + Soonest);
    }
}
