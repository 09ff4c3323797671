namespace FineTuneService.Data;

/// <summary>Bytes that are on the disk, and not yet part of anything: they go with this object unless <see cref="BlobStore.Keep"/> names them.</summary>
/// <param name="path">Their temporary name.</param>
/// <param name="sha256">In hex.</param>
public sealed class ReceivedBlob(string path, string sha256, long bytes) : IDisposable
{
    public string Path => path;
    public string Sha256 => sha256;
    public long Bytes => bytes;

    /// <summary>They have their name now.</summary>
    public bool IsKept { get; internal set; }

    public void Dispose()
    {
        if (!IsKept) File.Delete(path);
    }
}
