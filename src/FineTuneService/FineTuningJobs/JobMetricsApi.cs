using FineTuneService.Data;
using FineTuneService.Hosting;
using FineTuneService.Tenants;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.FineTuningJobs;

/// <summary>The query of …/metrics.</summary>
/// <param name="Keys">Names with commas between; every number unless given.</param>
/// <param name="From">First step, and To the last: all unless given.</param>
/// <param name="Buckets">Most entries of a column, 1 to 10,000; 1,000 unless given.</param>
public readonly record struct MetricsQuery(string? Keys, int? From, int? To, int? Buckets);

/// <summary>A job's numbers as columns, for who draws them; while it runs, too.</summary>
internal static class JobMetricsApi
{
    private const int UsualBuckets = 1000, MostBuckets = 10_000;

    public static void MapJobMetrics(this IEndpointRouteBuilder app) => app.MapGet("/v1/fine_tuning/jobs/{id}/metrics", Get).WithTags("Fine-tuning").Needs(Access.Tenant)
        .WithSummary("A job's numbers, a column each; in buckets where there are more steps than asked for").Answers(JobExamples.Metrics);

    private static async Task<IResult> Get(string id, [AsParameters] MetricsQuery query, FineTuneDbContext db)
    {
        if (query.Buckets is < 1 or > MostBuckets) return Errors.BadRequest($"buckets must be 1 to {MostBuckets}.", param: "buckets");
        if (query.From < 0) return Errors.BadRequest("from must be 0 or more.", param: "from");
        if (query.To < (query.From ?? 0)) return Errors.BadRequest("to must not be below from.", param: "to");
        if (await db.Jobs.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id) is not { } job) return Errors.NotFound("fine-tuning job", id);
        int from = query.From ?? 0, to = Math.Max(from, Math.Min(query.To ?? int.MaxValue, job.Step));
        HashSet<string>? keys = query.Keys is { Length: > 0 } given ? [.. given.Split(',', StringSplitOptions.TrimEntries)] : null;
        var buckets = new MetricsBuckets(from, to, query.Buckets ?? UsualBuckets);
        await foreach (Measurement measured in JobMetrics.Read(db, id))
        {
            if (keys?.Contains(measured.Key) != false) buckets.Add(measured);
        }
        return Results.Ok(new MetricsBody("fine_tuning.job.metrics", id, buckets.Raw, from, to, buckets.Columns()));
    }
}
