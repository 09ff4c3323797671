using FineTuneService.Data;

namespace FineTuneService.Hub;

/// <summary>A download's status on the wire.</summary>
public static class HubStatus
{
    public const string Downloading = "downloading";
    public const string Ready = "ready";
    public const string Failed = "failed";
}

/// <summary>
/// A base that comes, or came, from the hub. The row is the truth: a start goes on with every one that is downloading. Once it is ready, a model's
/// row of the same id stands beside it.
/// </summary>
public sealed class HubDownload : IRow
{
    public long Number { get; set; }

    /// <summary>The base's name on the wire.</summary>
    public required string Id { get; set; }

    /// <summary>owner/name.</summary>
    public required string Repo { get; set; }

    /// <summary>Branch, tag or commit that was asked for.</summary>
    public required string Revision { get; set; }

    /// <summary>The one GGUF file that was asked for; null: safetensors or pytorch_model.bin.</summary>
    public string? File { get; set; }

    /// <summary>The request's own access token, until the download ends; null: the service's.</summary>
    public string? Token { get; set; }

    /// <summary>What the revision stood for when the download began; all files are of this commit.</summary>
    public string? Commit { get; set; }

    /// <summary>Name of its folder among the data directory's hub folders.</summary>
    public required string Folder { get; set; }

    /// <summary>One of <see cref="HubStatus"/>.</summary>
    public required string Status { get; set; }

    /// <summary>JSON of a <see cref="HubProblem"/>, where it failed.</summary>
    public string? Error { get; set; }
    public long BytesDone { get; set; }

    /// <summary>Null before the files are known.</summary>
    public long? BytesTotal { get; set; }
    public long CreatedAt { get; set; }
    public long? FinishedAt { get; set; }

    /// <summary>What it would be the same download of.</summary>
    public bool IsOf(HubSource source) => Repo == source.Repo && Revision == source.Revision && File == source.File;
}

/// <summary>What is to be downloaded.</summary>
public sealed record HubSource(string Repo, string Revision, string? File);

/// <summary>Why a download failed, and what to do.</summary>
public sealed record HubProblem(string Code, string Message);
