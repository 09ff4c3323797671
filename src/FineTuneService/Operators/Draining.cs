using FineTuneService.Hosting;

namespace FineTuneService.Operators;

/// <summary>While the service is drained, what would begin work is told to come back.</summary>
internal static class Draining
{
    /// <summary>Endpoints that end work, or let the operator see to the rest.</summary>
    public static TBuilder TakenWhileDrained<TBuilder>(this TBuilder endpoints)
        where TBuilder : IEndpointConventionBuilder => endpoints.WithMetadata(new TakenMark());

    public static IApplicationBuilder UseDraining(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        bool begins = HttpMethods.IsPost(context.Request.Method) && context.Request.Path.StartsWithSegments("/v1")
            && context.GetEndpoint()?.Metadata.GetMetadata<TakenMark>() is null;
        return begins && context.RequestServices.GetRequiredService<Drain>().IsOn
            ? Errors.Busy("The service is being drained and takes no new work; try again in a moment, when another has its place.", "draining").ExecuteAsync(context) : next(context);
    });

    private sealed record TakenMark;
}
