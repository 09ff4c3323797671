using FineTuneService.Data;

namespace FineTuneService.Webhooks;

/// <summary>Where a tenant wants to be told of ends.</summary>
public sealed class WebhookEndpoint : ITenantRow
{
    public long Number { get; set; }

    /// <summary>we-…</summary>
    public required string Id { get; set; }
    public required string TenantId { get; set; }
    public required string Url { get; set; }

    /// <summary>JSON of a list of event types.</summary>
    public required string Events { get; set; }

    /// <summary>whsec_… : what signatures are made with, so it cannot be kept as a hash.</summary>
    public required string Secret { get; set; }
    public long CreatedAt { get; set; }
}
