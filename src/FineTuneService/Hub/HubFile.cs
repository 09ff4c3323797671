using System.Security.Cryptography;
using System.Text;

namespace FineTuneService.Hub;

/// <summary>A file of a repository, as the hub describes it before it is fetched.</summary>
/// <param name="Path">In the repository.</param>
/// <param name="Size">Bytes; null where the hub does not say.</param>
/// <param name="Checksum">Its SHA-256, or git's own hash of a small file, in hex; null where the hub says neither.</param>
internal sealed record HubFile(string Path, long? Size, string? Checksum)
{
    private const int Sha256Digits = 64, GitDigits = 40;

    /// <summary>Where it lies in the base's folder.</summary>
    public string Name => Path[(Path.LastIndexOf('/') + 1)..];

    /// <param name="etag">As the header has it.</param>
    /// <returns>A hash that a file's bytes can be held to, or null.</returns>
    public static string? ChecksumOf(string? etag)
    {
        string? hash = etag?.Trim().Replace("W/", "", StringComparison.Ordinal).Trim('"').ToLowerInvariant();
        return hash is { Length: Sha256Digits or GitDigits } && hash.All(char.IsAsciiHexDigitLower) ? hash : null;
    }

    /// <summary>What the bytes must come to; null where there is nothing to hold them to.</summary>
    /// <param name="size">Of the whole file: git hashes it too.</param>
    public IncrementalHash? Hash(long size)
    {
        if (Checksum is null) return null;
        if (Checksum.Length == Sha256Digits) return IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
#pragma warning disable CA5350 // Git's hash of a blob, https://git-scm.com/book/en/v2/Git-Internals-Git-Objects; large files have a SHA-256.
        var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
#pragma warning restore CA5350
        hash.AppendData(Encoding.ASCII.GetBytes(FormattableString.Invariant($"blob {size}\0")));
        return hash;
    }
}
