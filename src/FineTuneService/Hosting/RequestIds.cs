using System.Diagnostics;
using System.Globalization;

namespace FineTuneService.Hosting;

/// <summary>x-request-id and openai-processing-ms on every answer.</summary>
internal static class RequestIds
{
    public const string Header = "x-request-id";

    public static IApplicationBuilder UseRequestIds(this IApplicationBuilder app) => app.Use(async (context, next) =>
    {
        long started = Stopwatch.GetTimestamp();
        string id = Ids.New("req");
        context.Answering(true);
        context.Response.Headers[Header] = id;
        Activity.Current?.SetTag("http.request.id", id);
        context.Response.OnStarting(() =>
        {
            context.Response.Headers[Header] = id;
            // Whoever is told to come back is told when.
            if (context.Response.StatusCode is 429 or 503 && context.Response.Headers.RetryAfter.Count == 0) context.Response.Headers.RetryAfter = "1";
            context.Response.Headers["openai-processing-ms"] = ((long)Stopwatch.GetElapsedTime(started).TotalMilliseconds).ToString(CultureInfo.InvariantCulture);
            return Task.CompletedTask;
        });
        context.Response.OnCompleted(() =>
        {
            context.Answering(false);
            return Task.CompletedTask;
        });
        await next(context);
    });
}
