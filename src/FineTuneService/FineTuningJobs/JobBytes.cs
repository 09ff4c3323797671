using FineTuneService.Data;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.FineTuningJobs;

/// <summary>The blobs that a tenant's unfinished jobs hold: their files may be deleted, and their bytes stay.</summary>
internal static class JobBytes
{
    public static IQueryable<string> Of(FineTuneDbContext db, string tenant)
    {
        IQueryable<FineTuningJob> unfinished = db.Jobs.IgnoreQueryFilters().Where(job => job.TenantId == tenant
            && job.Status != JobStatus.Succeeded && job.Status != JobStatus.Failed && job.Status != JobStatus.Cancelled);
        return unfinished.Where(job => job.TrainingSha256 != null).Select(job => job.TrainingSha256!)
            .Concat(unfinished.Where(job => job.ValidationSha256 != null).Select(job => job.ValidationSha256!))
            .Concat(unfinished.Where(job => job.TestSha256 != null).Select(job => job.TestSha256!));
    }
}
