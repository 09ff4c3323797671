using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;

namespace FineTuneService.Hosting;

/// <summary>How long a body may be. Our options are the only limits: the server's own would refuse what they allow, and name nothing.</summary>
internal static class BodyLimits
{
    // Boundaries and small fields, beside the file.
    private const int FormRoom = 1 << 20;

    public static string TooLarge(HttpRequest request) =>
        $"The body is too large; FineTune:{(request.HasFormContentType ? nameof(FineTuneOptions.MaxUploadBytes) : nameof(FineTuneOptions.MaxBodyBytes))} is the limit.";

    public static IApplicationBuilder UseBodyLimits(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            FineTuneOptions options = context.RequestServices.GetRequiredService<IOptions<FineTuneOptions>>().Value;
            size.MaxRequestBodySize = context.Request.HasFormContentType ? options.MaxUploadBytes + FormRoom : options.MaxBodyBytes;
        }
        return next(context);
    });
}
