using System.Text.Json;
using FineTuneService.Hosting;
using FineTuneService.Tenants;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace FineTuneService.Data;

/// <summary>What a tenant stores, and how much of it there may be: its files, adapters and evaluations, and its merged models' weights.</summary>
internal sealed class StoredBytes(FineTuneDbContext db, IOptions<FineTuneOptions> options)
{
    /// <summary>Why so many more do not fit, or null. Exact where it is asked in the transaction that adds them.</summary>
    public async Task<string?> Refusal(string tenant, long more)
    {
        string? own = await db.Tenants.Where(row => row.Id == tenant).Select(row => row.Quotas).FirstOrDefaultAsync();
        long limit = (own is null ? null : JsonSerializer.Deserialize<Quotas>(own, Json.Options)?.StoredBytes) ?? options.Value.MaxStoredBytes, stored = await Of(tenant);
        return stored + more <= limit ? null
            : $"This tenant stores {stored} of {limit} bytes, and {more} more do not fit (FineTune:MaxStoredBytes). Delete files, adapters, evaluations or merged models first.";
    }

    /// <summary>What the tenant stores now.</summary>
    public async Task<long> Of(string tenant)
    {
        long files = await db.Files.IgnoreQueryFilters().Where(row => row.TenantId == tenant).SumAsync(row => row.Bytes);
        files += await db.UploadParts.IgnoreQueryFilters().Where(row => row.TenantId == tenant).SumAsync(row => row.Bytes);
        long adapters = await db.Adapters.IgnoreQueryFilters().Where(row => row.TenantId == tenant).SumAsync(row => row.Bytes);
        List<string> merged = await db.Models.IgnoreQueryFilters().Where(row => row.TenantId == tenant).Select(row => row.Folder).ToListAsync();
        long evaluations = await db.Evaluations.IgnoreQueryFilters().Where(row => row.TenantId == tenant).SumAsync(row => row.Bytes);
        return files + adapters + evaluations + merged.Sum(InFolder);
    }

    /// <summary>Of the files in a folder; 0 where it is gone, or goes meanwhile.</summary>
    public static long InFolder(string folder)
    {
        try
        {
            return new DirectoryInfo(folder).EnumerateFiles().Sum(file => file.Length);
        }
        catch (Exception gone) when (gone is DirectoryNotFoundException or FileNotFoundException)
        {
            return 0;
        }
    }
}
