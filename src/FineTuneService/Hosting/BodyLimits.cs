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

    public static IApplicationBuilder UseBodyLimits(this IApplicationBuilder app) => app.Use(async (context, next) =>
    {
        FineTuneOptions options = context.RequestServices.GetRequiredService<IOptions<FineTuneOptions>>().Value;
        bool isForm = context.Request.HasFormContentType;
        long limit = isForm ? options.MaxUploadBytes + FormRoom : options.MaxBodyBytes;
        bool isTooLarge = context.Request.ContentLength > limit;
        // Where the server itself refuses a body, it closes the connection on a client that is still sending, which then sees no answer.
        // The reader of forms counts for itself.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = isTooLarge || isForm ? null : limit;
        if (isTooLarge) await Errors.Make(413, TooLarge(context.Request), "body_too_large").ExecuteAsync(context);
        else await next(context);
    });
}
