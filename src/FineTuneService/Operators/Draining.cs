using FineTuneService.Hosting;

namespace FineTuneService.Operators;

/// <summary>While the service is drained, what would begin work is told to come back.</summary>
internal static class Draining
{
    /// <summary>They end work, or let the operator see to the rest.</summary>
    private static readonly string[] Taken = ["/cancel", "/pause", "/resume", "/stop", "/v1/drain", "/v1/tenants", "/v1/api_keys"];

    public static IApplicationBuilder UseDraining(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        bool begins = HttpMethods.IsPost(context.Request.Method) && context.Request.Path.StartsWithSegments("/v1")
            && !Taken.Any(end => context.Request.Path.Value!.EndsWith(end, StringComparison.Ordinal));
        return begins && context.RequestServices.GetRequiredService<Drain>().IsOn
            ? Errors.Busy("The service is being drained and takes no new work; try again in a moment, when another has its place.", "draining").ExecuteAsync(context) : next(context);
    });
}
