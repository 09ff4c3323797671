using FineTuneService.Batches;
using FineTuneService.FineTuningJobs;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Data;

/// <summary>Which blobs rows name. What is not here may be deleted.</summary>
internal static class BlobUse
{
    /// <summary>The SHA-256 of each blob of a tenant that is in use.</summary>
    public static IQueryable<string> Of(FineTuneDbContext db, string tenant) =>
        db.Files.IgnoreQueryFilters().Where(row => row.TenantId == tenant).Select(row => row.Sha256).Concat(JobBytes.Of(db, tenant))
            .Concat(db.UploadParts.IgnoreQueryFilters().Where(row => row.TenantId == tenant).Select(row => row.Sha256))
            .Concat(db.Batches.IgnoreQueryFilters().Where(row => row.TenantId == tenant && BatchStatus.UnderWay.Contains(row.Status)).Select(row => row.InputSha256));
}
