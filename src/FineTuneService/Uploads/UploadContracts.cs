using FineTuneService.Files;

namespace FineTuneService.Uploads;

/// <summary>The body of POST /v1/uploads.</summary>
public sealed record CreateUploadRequest
{
    public required string Filename { get; init; }

    /// <summary>As of a file: fine-tune, batch, evals or user_data.</summary>
    public required string Purpose { get; init; }

    /// <summary>Of all parts together.</summary>
    public required long Bytes { get; init; }
    public required string MimeType { get; init; }
    public ExpiresAfter? ExpiresAfter { get; init; }
}

/// <summary>The body of POST /v1/uploads/{id}/complete.</summary>
public sealed record CompleteUploadRequest
{
    /// <summary>The parts in the order of their bytes.</summary>
    public required IReadOnlyList<string> PartIds { get; init; }

    /// <summary>Of the whole file, in hex: it is refused where the bytes have another.</summary>
    public string? Md5 { get; init; }
}

/// <summary>OpenAI's upload object.</summary>
/// <param name="File">Once it is completed.</param>
public sealed record UploadBody(string Id, string Object, long Bytes, long CreatedAt, string Filename, string Purpose, string Status, long ExpiresAt, FileBody? File = null);

/// <summary>OpenAI's part object.</summary>
public sealed record UploadPartBody(string Id, string Object, long CreatedAt, string UploadId);
