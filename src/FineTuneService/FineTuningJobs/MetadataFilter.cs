using FineTuneService.Data;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.FineTuningJobs;

/// <summary>OpenAI's filter of jobs: metadata[key]=value, each of which must hold.</summary>
internal static class MetadataFilter
{
    private const string Begin = "metadata[";

    public static IQueryable<FineTuningJob> WithMetadata(this IQueryable<FineTuningJob> jobs, IQueryCollection query, FineTuneDbContext db)
    {
        foreach ((string name, var values) in query)
        {
            if (!name.StartsWith(Begin, StringComparison.Ordinal) || !name.EndsWith(']')) continue;
            string key = name[Begin.Length..^1], value = values.ToString();
            IQueryable<string> having = db.Jobs
                .FromSql($"SELECT * FROM jobs WHERE EXISTS (SELECT 1 FROM json_each(jobs.Metadata) AS pair WHERE pair.key = {key} AND pair.value = {value})")
                .Select(job => job.Id);
            jobs = jobs.Where(job => having.Contains(job.Id));
        }
        return jobs;
    }
}
