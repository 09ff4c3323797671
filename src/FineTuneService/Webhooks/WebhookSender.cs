using System.Globalization;
using System.Net;
using System.Text;
using FineTuneService.Data;
using FineTuneService.Hosting;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Polly;
using Polly.Retry;
using Polly.Timeout;

namespace FineTuneService.Webhooks;

/// <summary>
/// Sends what is in the outbox, at least once, each event under the same id. Polly tries again at once what a moment mends; beyond that the
/// row says when, and for three days. One at a time for an endpoint, and a few for a tenant, so that nobody waits for another's receiver.
/// </summary>
internal sealed class WebhookSender(IServiceScopeFactory scopes, IOptions<FineTuneOptions> options, TimeProvider clock, ILogger<WebhookSender> log) : BackgroundService
{
    private const int Retries = 2, MostAtOnce = 32, MostOfATenant = 4, LookedAt = 256;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500), FirstDelay = TimeSpan.FromSeconds(5), LongestDelay = TimeSpan.FromHours(1);

    /// <summary>As long as OpenAI tries.</summary>
    private static readonly TimeSpan LongestTrying = TimeSpan.FromHours(72), Logged = TimeSpan.FromDays(30);

    private static readonly ResiliencePipeline<HttpResponseMessage> Pipeline = new ResiliencePipelineBuilder<HttpResponseMessage>()
        .AddRetry(new RetryStrategyOptions<HttpResponseMessage>
        {
            ShouldHandle = new PredicateBuilder<HttpResponseMessage>().Handle<HttpRequestException>(failure => failure.InnerException is not null).HandleResult(answer => (int)answer.StatusCode >= 500),
            MaxRetryAttempts = Retries,
            Delay = TimeSpan.FromMilliseconds(300),
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
        })
        .AddTimeout(TimeSpan.FromSeconds(10))
        .Build();

    private readonly HttpClient _http = WebhookHttp.Client(options.Value.AllowPrivateWebhooks);
    private readonly SendingTurns _turns = new(MostAtOnce, MostOfATenant);

    protected override async Task ExecuteAsync(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await Begin(stopping);
            }
            catch (Exception failure) when (failure is not OperationCanceledException)
            {
                log.LogWarning(failure, "Webhooks wait: the outbox cannot be read");
            }
            await Task.Delay(Pause, clock, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        await _turns.Ended().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public override void Dispose()
    {
        _http.Dispose();
        base.Dispose();
    }

    private async Task Begin(CancellationToken stopping)
    {
        await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
        DateTimeOffset now = clock.GetUtcNow();
        List<WebhookDelivery> due = await db.WebhookDeliveries.AsNoTracking()
            .Where(row => row.Status == WebhookDelivery.Pending && row.NextAt <= now.ToUnixTimeMilliseconds()).OrderBy(row => row.NextAt).Take(LookedAt).ToListAsync(stopping);
        foreach (WebhookDelivery delivery in due) _turns.TryBegin(delivery.EndpointId, delivery.TenantId, () => Deliver(delivery, stopping));
        long old = (now - Logged).ToUnixTimeSeconds();
        if (due.Count == 0 && await db.WebhookDeliveries.AnyAsync(row => row.CreatedAt < old, stopping)) await db.WebhookDeliveries.Where(row => row.CreatedAt < old).ExecuteDeleteAsync(stopping);
    }

    private async Task Deliver(WebhookDelivery delivery, CancellationToken stopping)
    {
        try
        {
            await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
            WebhookEndpoint? endpoint = await db.WebhookEndpoints.AsNoTracking().FirstOrDefaultAsync(row => row.Id == delivery.EndpointId, stopping);
            if (endpoint is null) return; // It was deleted, and its deliveries with it.
            (int tries, HttpStatusCode? status, string? error) = await Send(endpoint, delivery, stopping);
            await Write(db, delivery, tries, status, error);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            log.LogWarning(failure, "Delivery {Delivery} could not be noted; it is sent again", delivery.Id);
        }
        catch (OperationCanceledException)
        {
            // The next start sends it again, under the same id.
        }
    }

    private async Task<(int Tries, HttpStatusCode? Status, string? Error)> Send(WebhookEndpoint endpoint, WebhookDelivery delivery, CancellationToken stopping)
    {
        int tries = 0;
        try
        {
            using HttpResponseMessage answer = await Pipeline.ExecuteAsync(
                async cancel =>
                {
                    tries++;
                    return await _http.SendAsync(Request(endpoint, delivery), HttpCompletionOption.ResponseHeadersRead, cancel);
                },
                stopping);
            return (tries, answer.StatusCode, answer.IsSuccessStatusCode ? null : $"The receiver answered {(int)answer.StatusCode}.");
        }
        catch (HttpRequestException failure)
        {
            return (tries, null, (failure.InnerException ?? failure).Message.TrimEnd('.') + ".");
        }
        catch (TimeoutRejectedException)
        {
            return (tries, null, "The receiver did not answer within 10 seconds.");
        }
    }

    private HttpRequestMessage Request(WebhookEndpoint endpoint, WebhookDelivery delivery)
    {
        long seconds = clock.GetUtcNow().ToUnixTimeSeconds();
        return new HttpRequestMessage(HttpMethod.Post, endpoint.Url)
        {
            Content = new StringContent(delivery.Body, Encoding.UTF8, "application/json"),
            Headers =
            {
                { "user-agent", "FineTuneService" },
                { "webhook-id", delivery.EventId },
                { "webhook-timestamp", seconds.ToString(CultureInfo.InvariantCulture) },
                { "webhook-signature", WebhookSignature.Of(endpoint.Secret, delivery.EventId, seconds, delivery.Body) },
            },
        };
    }

    private async Task Write(FineTuneDbContext db, WebhookDelivery delivery, int tries, HttpStatusCode? status, string? error)
    {
        DateTimeOffset now = clock.GetUtcNow();
        int attempts = delivery.Attempts + tries;
        TimeSpan delay = FirstDelay * Math.Pow(2, Math.Min((attempts - 1) / (Retries + 1), 12));
        bool givenUp = error is not null && now.ToUnixTimeSeconds() - delivery.CreatedAt > LongestTrying.TotalSeconds;
        string next = error is null ? WebhookDelivery.Delivered : givenUp ? WebhookDelivery.Failed : WebhookDelivery.Pending;
        await db.WebhookDeliveries.Where(row => row.Id == delivery.Id).ExecuteUpdateAsync(set => set
            .SetProperty(row => row.Status, next).SetProperty(row => row.Attempts, attempts).SetProperty(row => row.ResponseStatus, (int?)status)
            .SetProperty(row => row.Error, error).SetProperty(row => row.NextAt, (now + (delay < LongestDelay ? delay : LongestDelay)).ToUnixTimeMilliseconds())
            .SetProperty(row => row.DeliveredAt, error is null ? now.ToUnixTimeSeconds() : null));
    }
}
