using FineTuneService.Data;
using FineTuneService.Hosting;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Files;

/// <summary>
/// Files' rows and their blobs, together. The same bytes are one blob however often they are uploaded, so each change holds the blob's
/// key: a row is never committed for bytes that another request is deleting.
/// </summary>
internal sealed class FileStore(FineTuneDbContext db, BlobStore blobs, StoredBytes stored, TimeProvider clock)
{
    /// <summary>The file's row, or why the tenant may not store it.</summary>
    /// <param name="expiresAfter">Seconds after which it is deleted; null: never.</param>
    /// <param name="id">One that was chosen before, or null.</param>
    public Task<(StoredFile? File, string? Refusal)> Add(ReceivedBlob blob, string tenant, string filename, string purpose, long? expiresAfter = null, string? id = null)
    {
        long now = clock.GetUtcNow().ToUnixTimeSeconds();
        return Keep(blob, tenant, () => db.Files.Add(new StoredFile
        {
            Id = id ?? Ids.New("file"),
            TenantId = tenant,
            Filename = filename,
            Purpose = purpose,
            Bytes = blob.Bytes,
            Sha256 = blob.Sha256,
            CreatedAt = now,
            ExpiresAt = now + expiresAfter,
        }).Entity);
    }

    /// <summary>Keeps bytes together with a row that names them; or says why the tenant may not store them.</summary>
    /// <param name="add">Adds the row; called again where the database was busy. Null: it is not to be, after all.</param>
    public async Task<(T? Row, string? Refusal)> Keep<T>(ReceivedBlob blob, string tenant, Func<T?> add)
        where T : class
    {
        using IDisposable hold = await blobs.Hold(tenant, blob.Sha256);
        T? committed = null;
        try
        {
            string? refusal = null;
            committed = await db.InTransaction(async () =>
            {
                if ((refusal = await stored.Refusal(tenant, blob.Bytes)) is not null) return null;
                if (add() is not { } row) return null;
                await db.SaveChangesAsync();
                blobs.Keep(tenant, blob); // Before the commit: what is acknowledged is on the disk.
                return row;
            });
            return (committed, refusal);
        }
        finally
        {
            if (committed is null && blob.IsKept) await DeleteUnlessUsed(tenant, blob.Sha256);
        }
    }

    /// <summary>The file's bytes, after all of them were read and verified; null where it was deleted meanwhile.</summary>
    /// <exception cref="DamagedBlobException">They are not those that were uploaded.</exception>
    public async Task<Stream?> Open(StoredFile file, CancellationToken cancel)
    {
        try
        {
            return await blobs.Open(file.TenantId, file.Sha256, $"file '{file.Id}'", cancel);
        }
        catch (DamagedBlobException)
        {
            if (await db.Files.AnyAsync(row => row.Id == file.Id, cancel)) throw;
            return null;
        }
    }

    /// <summary>Deletes a file of the current tenant.</summary>
    /// <returns>Whether it was there: of two requests at once, one is told so.</returns>
    public async Task<bool> Delete(string id)
    {
        if (await db.Files.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id) is not { } file) return false;
        using IDisposable hold = await blobs.Hold(file.TenantId, file.Sha256);
        bool deleted = await db.Files.Where(row => row.Id == id).ExecuteDeleteAsync() == 1;
        await DeleteUnlessUsed(file.TenantId, file.Sha256);
        return deleted;
    }

    /// <summary>A job, batch or upload that kept these bytes has ended: they go, unless something else names them.</summary>
    public async Task Release(string tenant, string sha256)
    {
        using IDisposable hold = await blobs.Hold(tenant, sha256);
        await DeleteUnlessUsed(tenant, sha256);
    }

    /// <summary>
    /// The caller holds the key, so no upload adds a row meanwhile; and a job takes its bytes from a file's row in the transaction that
    /// makes the job, so where no file has them, no job comes to.
    /// </summary>
    private async Task DeleteUnlessUsed(string tenant, string sha256)
    {
        if (!await BlobUse.Of(db, tenant).AnyAsync(name => name == sha256)) blobs.Delete(tenant, sha256);
    }
}
