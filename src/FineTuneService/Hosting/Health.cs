using FineTuneService.Operators;

namespace FineTuneService.Hosting;

internal sealed record HealthBody(string Status);

/// <summary>/healthz: the process answers. /readyz: it can take work.</summary>
internal static class Health
{
    public static void MapHealth(this IEndpointRouteBuilder app)
    {
        app.MapGet("/healthz", () => Results.Ok(new HealthBody("ok"))).WithTags("Operators").WithSummary("The process is alive").Answers(new HealthBody("ok"));
        app.MapGet("/readyz", Ready).WithTags("Operators").WithSummary("The service takes requests").Answers(new HealthBody("ready"));
    }

    private static async Task<IResult> Ready(Readiness readiness, Drain drain) => drain.IsOn
        ? Errors.Make(503, "The service is being drained and takes no new work.", "draining")
        : await readiness.Problem() is { } problem ? Errors.Make(503, problem, "not_ready") : Results.Ok(new HealthBody("ready"));
}
