using System.Text.Json;
using FineTuneService.Hosting;
using FineTuneService.Tenants;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace FineTuneService.Data;

/// <summary>What a tenant stores, and how much of it there may be: its files, adapters and evaluations, and its merged models' weights.</summary>
internal sealed class StoredBytes(FineTuneDbContext db, IncomingBytes incoming, IOptions<FineTuneOptions> options)
{
    /// <summary>Bytes of a form that are not its file's.</summary>
    private const long OfTheForm = 16 << 10;

    /// <summary>Why so many more do not fit, or null. Exact where it is asked in the transaction that adds them.</summary>
    public async Task<string?> Refusal(string tenant, long more)
    {
        (long stored, long limit) = (await Of(tenant), await Limit(tenant));
        return stored + more <= limit ? null : Full(stored, limit, more);
    }

    /// <summary>Makes room for an upload that is about to come, beside those of the tenant that are coming: for as many bytes as it says, and for others as they come.</summary>
    /// <returns>The place, disposed when the bytes are stored or refused; or why there is none.</returns>
    public async Task<(IncomingUpload? Place, string? Refusal)> Expect(string tenant, HttpRequest request)
    {
        long more = Math.Max(0, (request.ContentLength ?? 0) - OfTheForm), stored = await Of(tenant), limit = await Limit(tenant);
        if (!incoming.TryAdd(tenant, more, limit - stored)) return (null, Full(stored, limit, more));
        return (new IncomingUpload(incoming, tenant, more, async () => await Limit(tenant) - await Of(tenant), async bytes => Full(await Of(tenant), await Limit(tenant), bytes)), null);
    }

    private async Task<long> Limit(string tenant)
    {
        string? own = await db.Tenants.Where(row => row.Id == tenant).Select(row => row.Quotas).FirstOrDefaultAsync();
        return (own is null ? null : JsonSerializer.Deserialize<Quotas>(own, Json.Options)?.StoredBytes) ?? options.Value.MaxStoredBytes;
    }

    private static string Full(long stored, long limit, long more) =>
        $"This tenant stores {stored} of {limit} bytes, and {more} more do not fit beside what it is uploading (FineTune:MaxStoredBytes, or the quota stored_bytes). Delete files, adapters, evaluations or merged models first.";

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
