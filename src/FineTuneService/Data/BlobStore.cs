using System.Security.Cryptography;
using FineTuneService.Engine.Formats;

namespace FineTuneService.Data;

/// <summary>
/// Bytes by their content, under tenant/sha256. They are written to a temporary name, flushed to the disk and renamed, so a blob is
/// whole or not there; a row that names it is committed only after that.
/// </summary>
public sealed class BlobStore(DataDirectory directory)
{
    /// <summary>The stream was longer than allowed. Nothing of it is kept.</summary>
    public sealed class TooLargeException(long limit) : Exception($"The file is larger than {limit} bytes.");

    /// <summary>Keeps a stream's bytes.</summary>
    public async Task<(string Sha256, long Bytes)> Put(string tenant, Stream content, long limit, CancellationToken cancel)
    {
        string temporary = Path.Combine(directory.Temporary, Guid.NewGuid().ToString("n"));
        try
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            long bytes = 0;
            await using (var file = new FileStream(temporary, FileMode.CreateNew))
            {
                var buffer = new byte[128 * 1024];
                for (int read = await content.ReadAsync(buffer, cancel); read > 0; read = await content.ReadAsync(buffer, cancel))
                {
                    if ((bytes += read) > limit) throw new TooLargeException(limit);
                    hash.AppendData(buffer, 0, read);
                    await file.WriteAsync(buffer.AsMemory(0, read), cancel);
                }
                file.Flush(flushToDisk: true);
            }
            string sha256 = Convert.ToHexStringLower(hash.GetHashAndReset());
            string path = PathOf(tenant, sha256);
            Durable.CreateFolder(Path.GetDirectoryName(path)!);
            Durable.MoveFile(temporary, path);
            return (sha256, bytes);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    public Stream Open(string tenant, string sha256) => File.OpenRead(PathOf(tenant, sha256));

    public void Delete(string tenant, string sha256) => File.Delete(PathOf(tenant, sha256));

    private string PathOf(string tenant, string sha256) => Path.Combine(directory.Blobs, tenant, sha256);
}
