using System.Security.Cryptography;

namespace FineTuneService.Data;

/// <summary>
/// A blob's bytes on their way to the disk, under a temporary name. A failure to write them is told apart from a failure to read them
/// from the client, as the one is ours and the other is not.
/// </summary>
internal sealed class BlobWriter : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly FileStream _file;

    /// <exception cref="StorageException">The file cannot be made.</exception>
    public BlobWriter(string path)
    {
        FileStream? file = null;
        // Without a buffer: what Dispose wrote could fail without anybody hearing of it.
        Guarded(() => file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0));
        _file = file!;
    }

    public long Bytes { get; private set; }

    /// <exception cref="StorageException">The bytes cannot be written.</exception>
    public void Append(byte[] buffer, int count)
    {
        _hash.AppendData(buffer, 0, count);
        Guarded(() => _file.Write(buffer, 0, count));
        Bytes += count;
    }

    /// <summary>Puts everything on the disk, and gives its SHA-256 in hex.</summary>
    /// <exception cref="StorageException">The disk does not take it.</exception>
    public string Finish()
    {
        Guarded(() => _file.Flush(flushToDisk: true));
        return Convert.ToHexStringLower(_hash.GetHashAndReset());
    }

    public void Dispose()
    {
        _file.Dispose();
        _hash.Dispose();
    }

    private static void Guarded(Action write)
    {
        try
        {
            write();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new StorageException(StorageFaults.Of(failure) ?? StorageFault.Unusable, $"An upload cannot be written: {failure.Message}", failure);
        }
    }
}
