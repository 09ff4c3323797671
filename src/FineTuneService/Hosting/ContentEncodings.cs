using Microsoft.Net.Http.Headers;

namespace FineTuneService.Hosting;

/// <summary>
/// Bodies that a proxy or client has compressed. ASP.NET Core decodes gzip, br and deflate as the body is read, and stops at the
/// limit that the same body has when it comes plain; any other encoding is refused, as its bytes are not JSON.
/// </summary>
internal static class ContentEncodings
{
    private static readonly string[] Known = ["gzip", "br", "deflate"];

    /// <summary>How the body came, where it was compressed: the header is gone once the body is decoded.</summary>
    public static string? Of(HttpContext context) => context.Items[typeof(ContentEncodings)] as string;

    /// <summary>The bytes are not of their encoding; brotli has no exception of its own for that.</summary>
    public static bool IsDamaged(Exception failure) => failure is InvalidDataException || failure.Source == "System.IO.Compression.Brotli";

    public static IApplicationBuilder UseContentEncodings(this WebApplication app)
    {
        app.Use(async (context, next) =>
        {
            UnquoteCharset(context.Request);
            string encoding = context.Request.Headers.ContentEncoding.ToString().Trim();
            if (encoding.Length == 0 || Known.Contains(encoding, StringComparer.OrdinalIgnoreCase))
            {
                if (encoding.Length > 0) context.Items[typeof(ContentEncodings)] = encoding.ToLowerInvariant();
                await next(context);
                return;
            }
            if (encoding.Equals("identity", StringComparison.OrdinalIgnoreCase))
            {
                context.Request.Headers.Remove("Content-Encoding");
                await next(context);
                return;
            }
            context.Response.Headers.AcceptEncoding = string.Join(", ", Known);
            await Errors.Make(415, $"Content-Encoding '{Errors.Clip(encoding)}' is not known; send the body plain, or as one of {string.Join(", ", Known)}.", "unsupported_media_type").ExecuteAsync(context);
        });
        return app.UseRequestDecompression();
    }

    /// <summary>RFC 9110 lets a client write charset="utf-8"; ASP.NET Core reads JSON only without the quotes.</summary>
    private static void UnquoteCharset(HttpRequest request)
    {
        if (request.ContentType?.Contains('"') != true || !MediaTypeHeaderValue.TryParse(request.ContentType, out MediaTypeHeaderValue? type) || !type.Charset.HasValue) return;
        type.Charset = HeaderUtilities.RemoveQuotes(type.Charset);
        request.ContentType = type.ToString();
    }
}
