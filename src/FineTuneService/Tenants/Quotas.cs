using FineTuneService.Hosting;

namespace FineTuneService.Tenants;

/// <summary>A tenant's own limits; what is not given is as the options have it.</summary>
public sealed record Quotas
{
    /// <summary>Bytes of files, adapters, evaluations and merged models.</summary>
    public long? StoredBytes { get; init; }

    /// <summary>Jobs that have not ended.</summary>
    public int? QueuedJobs { get; init; }

    /// <summary>Calls of any kind.</summary>
    public int? RequestsPerMinute { get; init; }

    /// <summary>Tokens of prompts and answers.</summary>
    public long? TokensPerMinute { get; init; }

    internal IResult? Check()
    {
        foreach ((string field, long? value) in new[] { ("stored_bytes", StoredBytes), ("queued_jobs", QueuedJobs), ("requests_per_minute", RequestsPerMinute), ("tokens_per_minute", TokensPerMinute) })
            if (value < 1) return Errors.BadRequest($"quotas.{field} must be 1 or more.", param: $"quotas.{field}");
        return null;
    }
}
