using System.Text.Json;
using FineTuneService.Data;
using FineTuneService.Hosting;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Webhooks;

/// <summary>Events that leave with what they tell of.</summary>
internal static class Outbox
{
    /// <summary>
    /// Adds a delivery for each of the tenant's endpoints that wants the event. Call it in the transaction that writes what has happened: then
    /// the event is sent if that is committed, and only then.
    /// </summary>
    /// <param name="type">One of <see cref="WebhookTypes"/>.</param>
    /// <param name="objectId">Of the job or batch.</param>
    public static void Tell(this FineTuneDbContext db, string tenant, string type, string objectId, TimeProvider clock)
    {
        List<WebhookEndpoint> endpoints = db.WebhookEndpoints.IgnoreQueryFilters().AsNoTracking().Where(row => row.TenantId == tenant).ToList();
        if (endpoints.Count == 0) return;
        string eventId = Ids.New("evt");
        DateTimeOffset now = clock.GetUtcNow();
        string body = JsonSerializer.Serialize(new WebhookEvent(eventId, "event", now.ToUnixTimeSeconds(), type, new WebhookData(objectId)), Json.Options);
        foreach (WebhookEndpoint endpoint in endpoints.Where(endpoint => JsonSerializer.Deserialize<string[]>(endpoint.Events)!.Contains(type)))
        {
            db.WebhookDeliveries.Add(new WebhookDelivery
            {
                Id = Ids.New("whd"),
                TenantId = tenant,
                EndpointId = endpoint.Id,
                EventId = eventId,
                Type = type,
                Body = body,
                Status = WebhookDelivery.Pending,
                NextAt = now.ToUnixTimeMilliseconds(),
                CreatedAt = now.ToUnixTimeSeconds(),
            });
        }
    }

    private sealed record WebhookEvent(string Id, string Object, long CreatedAt, string Type, WebhookData Data);

    private sealed record WebhookData(string Id);
}
