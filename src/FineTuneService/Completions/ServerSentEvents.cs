using System.Text.Json;
using FineTuneService.Hosting;

namespace FineTuneService.Completions;

/// <summary>OpenAI's stream: a data line an object, and [DONE] after the last.</summary>
internal static class ServerSentEvents
{
    public static void Begin(HttpResponse response)
    {
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-cache";
    }

    public static async Task Send<T>(HttpResponse response, T body, CancellationToken cancel)
    {
        await response.WriteAsync($"data: {JsonSerializer.Serialize(body, Json.Options)}\n\n", cancel);
        await response.Body.FlushAsync(cancel);
    }

    public static Task Done(HttpResponse response, CancellationToken cancel) => response.WriteAsync("data: [DONE]\n\n", cancel);
}
