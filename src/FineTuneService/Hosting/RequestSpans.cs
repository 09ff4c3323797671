using System.Diagnostics;

namespace FineTuneService.Hosting;

/// <summary>Names a request's span by its method and route, as OpenTelemetry's conventions for HTTP ask; ASP.NET Core itself does not.</summary>
internal static class RequestSpans
{
    /// <summary>After routing: the endpoint is known.</summary>
    public static IApplicationBuilder UseRequestSpans(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        if (Activity.Current is { } span && context.GetEndpoint() is RouteEndpoint { RoutePattern.RawText: { } pattern })
        {
            string route = "/" + pattern.Trim('/');
            span.DisplayName = $"{context.Request.Method} {route}";
            span.SetTag("http.request.method", context.Request.Method).SetTag("http.route", route);
        }
        return next(context);
    });
}
