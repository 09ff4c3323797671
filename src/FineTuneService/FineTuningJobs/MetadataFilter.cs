using FineTuneService.Data;
using FineTuneService.Hosting;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.FineTuningJobs;

/// <summary>OpenAI's filter of jobs: metadata[key]=value, each of which must hold.</summary>
internal static class MetadataFilter
{
    private const string Begin = "metadata[";

    // As many pairs as a job can have.
    private const int Most = 16;

    /// <summary>The error that more filters than a job has pairs deserve, or null.</summary>
    public static IResult? Refuse(IQueryCollection query) => query.Keys.Count(IsFilter) > Most
        ? Errors.BadRequest($"There are more than {Most} metadata filters; a job has at most {Most} pairs.", param: "metadata") : null;

    public static IQueryable<FineTuningJob> WithMetadata(this IQueryable<FineTuningJob> jobs, IQueryCollection query, FineTuneDbContext db)
    {
        foreach ((string name, var values) in query)
        {
            if (!IsFilter(name)) continue;
            string key = name[Begin.Length..^1], value = values.ToString();
            IQueryable<string> having = db.Jobs
                .FromSql($"SELECT * FROM jobs WHERE EXISTS (SELECT 1 FROM json_each(jobs.Metadata) AS pair WHERE pair.key = {key} AND pair.value = {value})")
                .Select(job => job.Id);
            jobs = jobs.Where(job => having.Contains(job.Id));
        }
        return jobs;
    }

    private static bool IsFilter(string name) => name.StartsWith(Begin, StringComparison.Ordinal) && name.EndsWith(']');
}
