using FineTuneService.Data;

namespace FineTuneService.Webhooks;

/// <summary>
/// An event on its way to an endpoint: the outbox. The row is committed with what it tells of, so neither is there without the other, and it
/// stays as the log of what became of it.
/// </summary>
public sealed class WebhookDelivery : ITenantRow
{
    public const string Pending = "pending", Delivered = "delivered", Failed = "failed";

    public long Number { get; set; }

    /// <summary>whd-…</summary>
    public required string Id { get; set; }
    public required string TenantId { get; set; }
    public required string EndpointId { get; set; }

    /// <summary>evt-…: the webhook-id of every try, by which a receiver knows what it has had.</summary>
    public required string EventId { get; set; }

    /// <summary>Such as fine_tuning.job.succeeded.</summary>
    public required string Type { get; set; }

    /// <summary>The JSON that is sent, the same bytes each time.</summary>
    public required string Body { get; set; }

    /// <summary>pending, delivered or failed.</summary>
    public required string Status { get; set; }
    public int Attempts { get; set; }

    /// <summary>When it is tried next, in unix milliseconds.</summary>
    public long NextAt { get; set; }

    /// <summary>Of the last answer; null where none came.</summary>
    public int? ResponseStatus { get; set; }

    /// <summary>Why the last try failed, in a sentence.</summary>
    public string? Error { get; set; }
    public long CreatedAt { get; set; }
    public long? DeliveredAt { get; set; }
}
