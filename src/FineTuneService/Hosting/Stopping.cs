namespace FineTuneService.Hosting;

/// <summary>
/// A stop waits for answers under way, and not for anything else: an upload that trickles in, or a download that nobody reads, has a
/// moment more and is then cut off. Nothing of it was acknowledged.
/// </summary>
internal static class Stopping
{
    private static readonly TimeSpan Moment = TimeSpan.FromSeconds(2);
    private static readonly string[] Drained = ["/v1/chat/completions", "/v1/completions", "/v1/evaluations"];

    public static IApplicationBuilder UseStopping(this WebApplication app) => app.Use(async (context, next) =>
    {
        if (Drained.Contains(context.Request.Path.Value))
        {
            await next(context);
            return;
        }
        using var underWay = new UnderWay(context);
        using CancellationTokenRegistration stopping = app.Lifetime.ApplicationStopping.Register(() => _ = underWay.CutOff());
        await next(context);
    });

    /// <summary>A request that has not ended. Its context serves another request after it has.</summary>
    private sealed class UnderWay(HttpContext context) : IDisposable
    {
        private readonly Lock _turn = new();
        private bool _ended;

        public async Task CutOff()
        {
            await Task.Delay(Moment);
            lock (_turn)
            {
                if (!_ended) context.Abort();
            }
        }

        public void Dispose()
        {
            lock (_turn) _ended = true;
        }
    }
}
