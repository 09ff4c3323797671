using System.Security.Cryptography;
using FineTuneService.Data;
using FineTuneService.Files;
using FineTuneService.Hosting;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Uploads;

/// <summary>Uploads' parts: they become one file, or go.</summary>
internal sealed class UploadParts(FineTuneDbContext db, BlobStore blobs, FileStore files)
{
    /// <summary>Makes the file of an upload; its parts go.</summary>
    /// <param name="md5">That the bytes must have, in hex, or null.</param>
    /// <exception cref="DamagedBlobException">A part is not what was sent.</exception>
    public async Task<(StoredFile? File, IResult? Refusal)> Join(Upload upload, IReadOnlyList<UploadPart> parts, string? md5, CancellationToken cancel)
    {
        await using var joined = new JoinedStream([.. parts.Select(part => (Func<CancellationToken, Task<Stream>>)(stop => blobs.Open(upload.TenantId, part.Sha256, $"part '{part.Id}'", stop)))]);
        using ReceivedBlob whole = await blobs.Receive(joined, upload.Bytes, cancel);
        if (md5 is not null && !string.Equals(md5, await Md5(whole, cancel), StringComparison.OrdinalIgnoreCase))
            return (null, Errors.BadRequest("The parts' bytes have another MD5 checksum; send them again.", param: "md5"));
        // The parts' bytes are the tenant's until the file is there: a tenant that is almost full needs room for both.
        string id = Ids.New("file");
        (StoredFile? file, string? full) = await files.Add(whole, upload.TenantId, upload.Filename, upload.Purpose, upload.FileExpiresAfter, id);
        if (file is null) return (null, Errors.Make(413, full!, "storage_limit_exceeded", "part_ids"));
        if (await End(upload, Upload.Completed, id)) return (file, null);
        await files.Delete(id); // Another request has ended it meanwhile.
        return (null, Errors.Conflict("The upload has ended meanwhile.", "upload_ended"));
    }

    /// <returns>False where it has ended meanwhile.</returns>
    public Task<bool> GiveUp(Upload upload, string status) => End(upload, status, null);

    private async Task<bool> End(Upload upload, string status, string? file)
    {
        List<string> bytes = [];
        bool ended = await db.InTransaction(async () =>
        {
            if (await db.Uploads.Where(row => row.Id == upload.Id && row.Status == Upload.Pending)
                .ExecuteUpdateAsync(set => set.SetProperty(row => row.Status, status).SetProperty(row => row.FileId, file)) == 0) return false;
            bytes = await db.UploadParts.Where(row => row.UploadId == upload.Id).Select(row => row.Sha256).ToListAsync();
            await db.UploadParts.Where(row => row.UploadId == upload.Id).ExecuteDeleteAsync();
            return true;
        });
        foreach (string sha256 in bytes.Distinct()) await files.Release(upload.TenantId, sha256);
        return ended;
    }

    private static async Task<string> Md5(ReceivedBlob blob, CancellationToken cancel)
    {
        await using FileStream bytes = File.OpenRead(blob.Path);
        // OpenAI's checksum, against accidents: nothing is trusted for it.
#pragma warning disable CA5351
        return Convert.ToHexStringLower(await MD5.HashDataAsync(bytes, cancel));
#pragma warning restore CA5351
    }
}
