using System.Text.Json;
using System.Text.Json.Serialization;
using FineTuneService.Files;
using FineTuneService.Hosting;

namespace FineTuneService.Batches;

/// <summary>The body of POST /v1/batches.</summary>
public sealed record CreateBatchRequest
{
    /// <summary>A file with purpose batch: JSONL of {"custom_id", "method": "POST", "url", "body"}; each body names its own model.</summary>
    public required string InputFileId { get; init; }

    /// <summary>/v1/chat/completions or /v1/completions, as every line's url.</summary>
    public required string Endpoint { get; init; }

    /// <summary>24h: what has no answer by then goes to the error file.</summary>
    public required string CompletionWindow { get; init; }

    /// <summary>Up to 16 pairs for your own use.</summary>
    public Dictionary<string, string>? Metadata { get; init; }

    /// <summary>When the output and error files go by themselves.</summary>
    public ExpiresAfter? OutputExpiresAfter { get; init; }
}

/// <summary>Something wrong with the input.</summary>
/// <param name="Line">In the file, from 1.</param>
public sealed record BatchProblem(
    string Code, string Message, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Param, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] int? Line);

public sealed record BatchProblems(IReadOnlyList<BatchProblem> Data)
{
    public string Object => "list";
}

public sealed record BatchCounts(int Total, int Completed, int Failed);

public sealed record BatchUsage(long InputTokens, long OutputTokens)
{
    public BatchInputDetails InputTokensDetails => new(0);
    public BatchOutputDetails OutputTokensDetails => new(0);
    public long TotalTokens => InputTokens + OutputTokens;
}

public sealed record BatchInputDetails(long CachedTokens);

public sealed record BatchOutputDetails(long ReasoningTokens);

/// <summary>OpenAI's batch object.</summary>
public sealed record BatchBody
{
    public required string Id { get; init; }
    public string Object => "batch";
    public required string Endpoint { get; init; }
    public required string InputFileId { get; init; }
    public string CompletionWindow => "24h";
    public required string Status { get; init; }
    public BatchProblems? Errors { get; init; }
    public string? OutputFileId { get; init; }
    public string? ErrorFileId { get; init; }
    public required long CreatedAt { get; init; }
    public long? InProgressAt { get; init; }
    public required long ExpiresAt { get; init; }
    public long? FinalizingAt { get; init; }
    public long? CompletedAt { get; init; }
    public long? FailedAt { get; init; }
    public long? ExpiredAt { get; init; }
    public long? CancellingAt { get; init; }
    public long? CancelledAt { get; init; }
    public required BatchCounts RequestCounts { get; init; }
    public required BatchUsage Usage { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public Dictionary<string, string>? Metadata { get; init; }

    internal static BatchBody Of(Batch row)
    {
        bool ended = !BatchStatus.UnderWay.Contains(row.Status);
        return new BatchBody
        {
            Id = row.Id,
            Endpoint = row.Endpoint,
            InputFileId = row.InputFileId,
            Status = row.Status,
            Errors = row.Errors is null ? null : new BatchProblems(JsonSerializer.Deserialize<BatchProblem[]>(row.Errors, Json.Options)!),
            OutputFileId = ended ? row.OutputFileId : null,
            ErrorFileId = ended ? row.ErrorFileId : null,
            CreatedAt = row.CreatedAt,
            InProgressAt = row.InProgressAt,
            ExpiresAt = row.ExpiresAt,
            FinalizingAt = row.FinalizingAt,
            CompletedAt = row.CompletedAt,
            FailedAt = row.FailedAt,
            ExpiredAt = row.ExpiredAt,
            CancellingAt = row.CancellingAt,
            CancelledAt = row.CancelledAt,
            RequestCounts = new BatchCounts(row.Total, row.Completed, row.Failed),
            Usage = new BatchUsage(row.InputTokens, row.OutputTokens),
            Metadata = row.Metadata is null ? null : JsonSerializer.Deserialize<Dictionary<string, string>>(row.Metadata),
        };
    }
}

/// <summary>A line of an output or error file.</summary>
public sealed record BatchOutput(
    string Id, string CustomId, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] BatchResponse? Response, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] BatchFailure? Error);

/// <param name="Body">As the endpoint answers it.</param>
public sealed record BatchResponse(int StatusCode, string RequestId, JsonElement Body);

public sealed record BatchFailure(string Code, string Message);
