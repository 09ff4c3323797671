using System.Security.Cryptography;
using FineTuneService.Engine.Formats;

namespace FineTuneService.Data;

/// <summary>
/// Bytes by their content, under tenant/sha256. They are written to a temporary name, flushed to the disk and renamed, so a blob is
/// whole or not there; a row that names it is committed only after that. Whoever keeps or deletes one holds its key meanwhile.
/// </summary>
public sealed class BlobStore(DataDirectory directory, DiskSpace disk)
{
    private const int BufferSize = 128 * 1024;

    private readonly KeyLocks _keys = new();

    /// <summary>The stream was longer than allowed. Nothing of it is kept.</summary>
    public sealed class TooLargeException(long limit) : Exception($"The file is larger than {limit} bytes.");

    /// <summary>Waits until nobody else keeps or deletes this blob. What is returned is disposed once row and bytes agree.</summary>
    public Task<IDisposable> Hold(string tenant, string sha256) => _keys.Enter($"{tenant}/{sha256}");

    /// <summary>Takes a stream's bytes onto the disk, under no name yet. The disk is asked for each buffer: many uploads at once pass its reserve by no more.</summary>
    /// <param name="arrive">Told of each buffer before it is written; what it throws ends the upload.</param>
    /// <exception cref="StorageException">They cannot be written. A failure to read them is the stream's own exception.</exception>
    public async Task<ReceivedBlob> Receive(Stream content, long limit, CancellationToken cancel, Func<int, ValueTask>? arrive = null)
    {
        string temporary = Path.Combine(directory.Temporary, Guid.NewGuid().ToString("n"));
        try
        {
            using var writer = new BlobWriter(temporary);
            var buffer = new byte[BufferSize];
            for (int read = await content.ReadAsync(buffer, cancel); read > 0; read = await content.ReadAsync(buffer, cancel))
            {
                if (writer.Bytes + read > limit) throw new TooLargeException(limit);
                if (arrive is not null) await arrive(read);
                disk.Require(read);
                writer.Append(buffer, read);
            }
            return new ReceivedBlob(temporary, writer.Finish(), writer.Bytes);
        }
        catch
        {
            Forget(temporary);
            throw;
        }
    }

    /// <summary>Gives received bytes their name. The caller holds their key, and commits a row that names them, or deletes them.</summary>
    public void Keep(string tenant, ReceivedBlob blob)
    {
        string path = PathOf(tenant, blob.Sha256);
        Durable.CreateFolder(Path.GetDirectoryName(path)!);
        Durable.MoveFile(blob.Path, path);
    }

    /// <summary>The blob's bytes, after all of them were read and found to be those that its name says.</summary>
    /// <param name="what">What a client knows it by, for the message.</param>
    /// <exception cref="DamagedBlobException">They are not, or are missing.</exception>
    public async Task<Stream> Open(string tenant, string sha256, string what, CancellationToken cancel)
    {
        FileStream file;
        try
        {
            file = new FileStream(PathOf(tenant, sha256), FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, BufferSize, useAsync: true);
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new DamagedBlobException($"The stored bytes of {what} are missing. Upload them again.");
        }
        try
        {
            if (Convert.ToHexStringLower(await SHA256.HashDataAsync(file, cancel)) != sha256)
                throw new DamagedBlobException($"The stored bytes of {what} are damaged: they are not those that were uploaded. Upload them again.");
            file.Position = 0;
            return file;
        }
        catch
        {
            await file.DisposeAsync();
            throw;
        }
    }

    /// <summary>The caller holds the key, and no row names the blob.</summary>
    public void Delete(string tenant, string sha256)
    {
        string path = PathOf(tenant, sha256);
        if (File.Exists(path)) File.Delete(path);
    }

    /// <summary>What made the upload fail is told, and not what keeps its rest from being removed: the next start does that.</summary>
    private static void Forget(string temporary)
    {
        try
        {
            File.Delete(temporary);
        }
        catch (Exception stays) when (stays is IOException or UnauthorizedAccessException)
        {
        }
    }

    private string PathOf(string tenant, string sha256) => Path.Combine(directory.Blobs, tenant, sha256);
}
