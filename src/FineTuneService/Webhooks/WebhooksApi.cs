using System.Net;
using System.Text.Json;
using FineTuneService.Data;
using FineTuneService.Hosting;
using FineTuneService.Tenants;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace FineTuneService.Webhooks;

/// <summary>The body of POST /v1/webhook_endpoints.</summary>
/// <param name="Events">What to be told of; every type unless given.</param>
public sealed record CreateWebhookRequest(string Url, IReadOnlyList<string>? Events = null);

/// <param name="Secret">What its signatures are made with: in the answer that makes it, and never again.</param>
public sealed record WebhookBody(string Id, string Object, string Url, IReadOnlyList<string> Events, long CreatedAt, string? Secret);

/// <summary>What became of an event.</summary>
/// <param name="Event">The webhook-id that it is sent under.</param>
/// <param name="Status">pending, delivered or failed.</param>
/// <param name="NextAttemptAt">Unix seconds, while pending.</param>
public sealed record DeliveryBody(
    string Id, string Object, string Event, string Type, string Status, int Attempts, int? ResponseStatus, string? Error, long CreatedAt, long? DeliveredAt, long? NextAttemptAt);

/// <summary>Where a tenant is told of its jobs' and batches' ends.</summary>
internal static class WebhooksApi
{
    private const int LongestUrl = 2048, MostEndpoints = 20;

    public static void MapWebhooks(this IEndpointRouteBuilder app)
    {
        RouteGroupBuilder endpoints = app.MapGroup("/v1/webhook_endpoints").WithTags("Webhooks").Needs(Access.Tenant);
        endpoints.MapPost("", Create).WithSummary("Be told of ends at a URL; the answer shows the signing secret this once").Takes(WebhookExamples.Create).Answers(WebhookExamples.Created);
        endpoints.MapGet("", List).WithSummary("List webhook endpoints").Answers(WebhookExamples.Endpoints);
        endpoints.MapGet("/{id}", Get).WithSummary("Get a webhook endpoint").Answers(WebhookExamples.Endpoint);
        endpoints.MapDelete("/{id}", Delete).WithSummary("Delete a webhook endpoint, with what was still to be sent to it").Answers(WebhookExamples.Deleted);
        endpoints.MapGet("/{id}/deliveries", Deliveries).WithSummary("What was sent to it, and what became of it").Answers(WebhookExamples.Deliveries);
    }

    private static async Task<IResult> Create(CreateWebhookRequest body, FineTuneDbContext db, CurrentTenant tenant, IOptions<FineTuneOptions> options, TimeProvider clock)
    {
        if (Problem(body.Url, options.Value.AllowPrivateWebhooks) is { } problem) return Errors.BadRequest(problem, param: "url");
        string[] events = body.Events is { Count: > 0 } given ? [.. given.Distinct()] : WebhookTypes.All;
        if (events.FirstOrDefault(type => !WebhookTypes.All.Contains(type)) is { } unknown)
            return Errors.BadRequest($"There is no event '{Errors.Clip(unknown)}'; use {string.Join(", ", WebhookTypes.All)}.", param: "events");
        var endpoint = new WebhookEndpoint
        {
            Id = Ids.New("we"),
            TenantId = tenant.Id,
            Url = body.Url,
            Events = JsonSerializer.Serialize(events),
            Secret = WebhookSignature.NewSecret(),
            CreatedAt = clock.GetUtcNow().ToUnixTimeSeconds(),
        };
        bool added = await db.InTransaction(async () =>
        {
            if (await db.WebhookEndpoints.CountAsync() >= MostEndpoints) return false;
            db.WebhookEndpoints.Add(endpoint);
            await db.SaveChangesAsync();
            return true;
        });
        return added ? Results.Ok(Body(endpoint) with { Secret = endpoint.Secret }) : Errors.Conflict($"There are {MostEndpoints} webhook endpoints already; delete one first.", "too_many_endpoints");
    }

    private static Task<IResult> List([AsParameters] PageQuery query, FineTuneDbContext db) => db.WebhookEndpoints.AsNoTracking().PageOf(db, query, "webhook endpoint", Body);

    private static async Task<IResult> Get(string id, FineTuneDbContext db) =>
        await db.WebhookEndpoints.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id) is { } endpoint ? Results.Ok(Body(endpoint)) : NotFound(id);

    private static async Task<IResult> Delete(string id, FineTuneDbContext db)
    {
        int deleted = await db.InTransaction(async () =>
        {
            await db.WebhookDeliveries.Where(row => row.EndpointId == id).ExecuteDeleteAsync();
            return await db.WebhookEndpoints.Where(row => row.Id == id).ExecuteDeleteAsync();
        });
        return deleted == 1 ? Results.Ok(new Deleted(id, "webhook_endpoint")) : NotFound(id);
    }

    private static async Task<IResult> Deliveries(string id, [AsParameters] PageQuery query, FineTuneDbContext db) => await db.WebhookEndpoints.AnyAsync(row => row.Id == id)
        ? await db.WebhookDeliveries.AsNoTracking().Where(row => row.EndpointId == id).PageOf(db, query, "delivery", Body) : NotFound(id);

    /// <summary>Why webhooks are not sent there, or null. What a name stands for is asked when they are sent.</summary>
    private static string? Problem(string url, bool allowPrivate)
    {
        if (url.Length > LongestUrl || !Uri.TryCreate(url, UriKind.Absolute, out Uri? parsed) || parsed.Scheme is not ("https" or "http"))
            return $"url must be an absolute https (or http) URL of at most {LongestUrl} characters.";
        if (parsed.UserInfo.Length > 0) return "url must not hold a user name or password: deliveries are signed instead.";
        if (allowPrivate) return null;
        bool isPrivate = IPAddress.TryParse(parsed.DnsSafeHost, out IPAddress? address) ? PrivateAddresses.Contains(address) : parsed.IsLoopback;
        return isPrivate ? "url names a private address, which webhooks are not sent to; its operator may allow it with FineTune:AllowPrivateWebhooks." : null;
    }

    private static IResult NotFound(string id) => Errors.NotFound("webhook endpoint", id);

    private static WebhookBody Body(WebhookEndpoint row) => new(row.Id, "webhook_endpoint", row.Url, JsonSerializer.Deserialize<string[]>(row.Events)!, row.CreatedAt, null);

    private static DeliveryBody Body(WebhookDelivery row) => new(
        row.Id, "webhook_delivery", row.EventId, row.Type, row.Status, row.Attempts, row.ResponseStatus, row.Error, row.CreatedAt, row.DeliveredAt,
        row.Status == WebhookDelivery.Pending ? row.NextAt / 1000 : null);
}
