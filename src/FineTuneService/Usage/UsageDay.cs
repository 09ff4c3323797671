using FineTuneService.Data;

namespace FineTuneService.Usage;

/// <summary>What a tenant has used of a model through a key on a day.</summary>
public sealed class UsageDay : ITenantRow
{
    public long Number { get; set; }
    public required string Id { get; set; }
    public required string TenantId { get; set; }

    /// <summary>In UTC, as 2026-11-29.</summary>
    public required string Day { get; set; }

    /// <summary>What answered, by its own name; the base of a job.</summary>
    public required string Model { get; set; }

    /// <summary>Empty where an earlier version of the service did not note it.</summary>
    public required string KeyId { get; set; }
    public long Requests { get; set; }
    public long PromptTokens { get; set; }
    public long CompletionTokens { get; set; }
    public long TrainedTokens { get; set; }
    public long EvaluatedTokens { get; set; }
}

/// <summary>The most that a tenant has stored on a day, of what was seen each hour.</summary>
public sealed class StoredDay : ITenantRow
{
    public long Number { get; set; }
    public required string Id { get; set; }
    public required string TenantId { get; set; }

    /// <summary>In UTC, as 2026-11-29.</summary>
    public required string Day { get; set; }
    public long Bytes { get; set; }
}

/// <summary>Days as rows have them.</summary>
internal static class Days
{
    public const string Format = "yyyy-MM-dd";

    public static string Of(DateTimeOffset time) => time.UtcDateTime.ToString(Format, System.Globalization.CultureInfo.InvariantCulture);
}
