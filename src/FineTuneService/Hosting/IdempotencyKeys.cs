using System.Collections.Concurrent;
using FineTuneService.Data;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Hosting;

/// <summary>
/// Idempotency-Key on every POST of a tenant: the same key and request gets the first answer again, another request with it is 409. An answer is
/// kept before its client sees it, so one that was acknowledged is never made twice.
/// </summary>
internal static class IdempotencyKeys
{
    private const string Header = "Idempotency-Key", Replayed = "idempotent-replayed";
    private const int LongestKey = 255, LargestAnswer = 8 << 20;
    private const long SecondsKept = 24 * 3600;

    /// <summary>What a client is to send again is answered anew.</summary>
    private static readonly int[] NotKept = [401, 403, 408, 413, 429];
    private static readonly ConcurrentDictionary<(string Tenant, string Key), bool> UnderWay = new();

    /// <summary>Behind access control, which has said whose request it is, and in front of whatever reads the body.</summary>
    public static IApplicationBuilder UseIdempotencyKeys(this IApplicationBuilder app) => app.Use(async (context, next) =>
    {
        string key = context.Request.Headers[Header].ToString();
        var tenant = context.RequestServices.GetRequiredService<CurrentTenant>();
        if (key.Length == 0 || !HttpMethods.IsPost(context.Request.Method) || tenant.Id.Length == 0 || context.GetEndpoint() is null)
        {
            await next(context);
            return;
        }
        // Two data directories in one process, as in tests, are two services.
        (string, string) place = ($"{context.RequestServices.GetRequiredService<DataDirectory>().Root}/{tenant.Id}", key);
        IResult? refusal = key.Length > LongestKey ? Errors.BadRequest($"{Header} is longer than {LongestKey} characters.", "invalid_idempotency_key")
            : UnderWay.TryAdd(place, true) ? null : Errors.Conflict($"A request with this {Header} is under way; wait for its answer.", "idempotency_key_in_use");
        if (refusal is not null)
        {
            await refusal.ExecuteAsync(context);
            return;
        }
        try
        {
            await Answer(context, next, tenant.Id, key);
        }
        finally
        {
            UnderWay.TryRemove(place, out _);
        }
    });

    private static async Task Answer(HttpContext context, RequestDelegate next, string tenant, string key)
    {
        var db = context.RequestServices.GetRequiredService<FineTuneDbContext>();
        long now = context.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow().ToUnixTimeSeconds();
        await using var digest = new RequestDigest(context.Request);
        context.Request.Body = digest;
        if (await db.KeptAnswers.AsNoTracking().FirstOrDefaultAsync(row => row.Key == key && row.CreatedAt > now - SecondsKept) is { } kept)
        {
            await Again(context, kept, await digest.Finish(context.RequestAborted));
            return;
        }
        Stream client = context.Response.Body;
        await using var answer = new HeldAnswer(client, LargestAnswer, () => context.Response.ContentType?.StartsWith("text/event-stream", StringComparison.Ordinal) == true);
        context.Response.Body = answer;
        try
        {
            await next(context);
            if (answer.Whole is { } body && context.Response.StatusCode < 500 && !NotKept.Contains(context.Response.StatusCode) && !context.RequestAborted.IsCancellationRequested)
            {
                await Keep(context, new KeptAnswer
                {
                    Id = Ids.New("kept"),
                    TenantId = tenant,
                    Key = key,
                    Request = await digest.Finish(context.RequestAborted),
                    Status = context.Response.StatusCode,
                    ContentType = context.Response.ContentType,
                    Body = body,
                    CreatedAt = now,
                });
            }
            await answer.LetGo();
        }
        finally
        {
            context.Response.Body = client;
        }
    }

    private static async Task Again(HttpContext context, KeptAnswer kept, string request)
    {
        if (kept.Request != request)
        {
            await Errors.Conflict($"This {Header} was used with another request; use a new one.", "idempotency_key_reused").ExecuteAsync(context);
            return;
        }
        context.Response.StatusCode = kept.Status;
        context.Response.ContentType = kept.ContentType;
        context.Response.Headers[Replayed] = "true";
        await context.Response.Body.WriteAsync(kept.Body, context.RequestAborted);
    }

    /// <summary>In a scope of its own: the request's context may hold what it did not come to store.</summary>
    private static async Task Keep(HttpContext context, KeptAnswer answer)
    {
        try
        {
            await Store(context, answer);
        }
        catch (Exception failure) when (StorageTrouble.Passes(failure))
        {
            // What was made is made: the client is told so, and its key is of no more use.
            context.RequestServices.GetRequiredService<ILogger<KeptAnswer>>().LogWarning(failure, "The answer of a request with an Idempotency-Key could not be kept");
        }
    }

    private static async Task Store(HttpContext context, KeptAnswer answer)
    {
        await using AsyncServiceScope scope = context.RequestServices.GetRequiredService<IServiceScopeFactory>().SystemScope(out FineTuneDbContext db);
        await db.InTransaction(async () =>
        {
            await db.KeptAnswers.Where(row => row.CreatedAt <= answer.CreatedAt - SecondsKept).ExecuteDeleteAsync();
            answer.Number = 0;
            db.KeptAnswers.Add(answer);
            return await db.SaveChangesAsync();
        });
    }
}
