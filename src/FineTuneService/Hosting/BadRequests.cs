using System.Text.Json;
using System.Text.RegularExpressions;
using FineTuneService.Data;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Hosting;

/// <summary>
/// Turns a body that does not bind into a 400 that names the field, what the disk or database refuses into what it is, and anything
/// else into a 500 that says nothing of the inside.
/// </summary>
internal sealed partial class BadRequests(ILogger<BadRequests> log) : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext context, Exception failure, CancellationToken cancel)
    {
        if (failure is OperationCanceledException && context.RequestAborted.IsCancellationRequested) return true;
        IResult answer = failure switch
        {
            DamagedBlobException damaged => Explain(damaged),
            _ => StorageFaults.Of(failure) is { } fault ? Explain(fault, failure, context) : Damaged(failure, context) ?? Explain(failure, context),
        };
        await answer.ExecuteAsync(context);
        return true;
    }

    /// <summary>An upload of the same bytes mends it, so it is not only the operator's.</summary>
    private IResult Explain(DamagedBlobException damaged)
    {
        log.LogError("{Message} The disk, or something that writes to the data directory, is at fault", damaged.Message);
        return Errors.Conflict(damaged.Message, "file_damaged");
    }

    /// <summary>The service's own trouble: never the client's fault, and never silent.</summary>
    private IResult Explain(StorageFault fault, Exception failure, HttpContext context)
    {
        log.LogError("Request {Method} {Path} failed: the storage is {Fault} ({Reason})", context.Request.Method, context.Request.Path, fault, failure.GetBaseException().Message);
        switch (fault)
        {
            case StorageFault.Busy:
                context.Response.Headers.RetryAfter = "1";
                return Errors.Make(503, "The database is busy; nothing was changed. Try again in a moment.", "database_busy");
            case StorageFault.Full:
                return Errors.Make(507, "The service's disk is full; nothing of this request was kept. Try again once the operator has freed space.", "insufficient_storage");
            case StorageFault.Damaged:
                return Errors.Make(503, "The service's database is damaged; its operator must restore it.", "database_damaged");
            default:
                return Errors.Make(503, "The service's storage cannot be used; nothing was changed. Its log says why.", "storage_unusable");
        }
    }

    private IResult? Damaged(Exception failure, HttpContext context)
    {
        IResult? answer = DamagedModels.Answer(failure);
        if (answer is not null) log.LogError("Request {Method} {Path} failed: {Reason}", context.Request.Method, context.Request.Path, failure.Message);
        return answer;
    }

    private IResult Explain(Exception failure, HttpContext context)
    {
        (int status, string message, string code, string? param) = failure switch
        {
            BadHttpRequestException { InnerException: JsonException json } => BodyFaults.Explain(json),
            JsonException json => BodyFaults.Explain(json),
            BadHttpRequestException { StatusCode: 413 } => (413, BodyLimits.TooLarge(context.Request), "body_too_large", null),
            BadHttpRequestException { StatusCode: 415 } => (415, "Send Content-Type: application/json.", "unsupported_media_type", null),
            BadHttpRequestException bad when Unbound().Match(bad.Message) is { Success: true } unbound => Explain(unbound),
            BadHttpRequestException bad when bad.Message.Contains("no body was provided", StringComparison.Ordinal) => (400, "The body is empty; send a JSON object.", "invalid_json", null),
            BadHttpRequestException bad => (bad.StatusCode, "The request ended early or cannot be read; send it again.", "invalid_request", null),
            InvalidOperationException bad when bad.Message.StartsWith("Unable to read the request as JSON because", StringComparison.Ordinal) =>
                (415, "Send Content-Type: application/json, in UTF-8.", "unsupported_media_type", null),
            _ when ContentEncodings.IsDamaged(failure) && ContentEncodings.Of(context) is { } encoding =>
                (400, $"The body is not what Content-Encoding: {encoding} says; send it plain, or compress it again.", "invalid_encoding", null),
            DbUpdateException twice when StorageFaults.IsAlreadyThere(twice) => (409, "Another request made the same at the same time; look at what is there now.", "conflict", null),
            DbUpdateConcurrencyException => (409, "It was changed or deleted by another request at the same time; look at it again.", "conflict", (string?)null),
            _ => (500, "The service failed; its log has the request's x-request-id.", "internal_error", null),
        };
        if (status == 500) log.LogError(failure, "Request {Method} {Path} failed ({RequestId})", context.Request.Method, context.Request.Path, context.Response.Headers[RequestIds.Header]);
        return Errors.Make(status, message, code, param);
    }

    private static (int, string, string, string?) Explain(Match unbound)
    {
        string name = JsonNamingPolicy.SnakeCaseLower.ConvertName(unbound.Groups[2].Value);
        string wanted = unbound.Groups[1].Value.Contains("int") ? "a whole number" : "of another type";
        return (400, $"Invalid value for '{name}': '{Errors.Clip(unbound.Groups[3].Value)}' is not {wanted}.", "invalid_value", name);
    }

    [GeneratedRegex("Failed to bind parameter \"(.+) (\\w+)\" from \"(.*)\"", RegexOptions.Singleline)]
    private static partial Regex Unbound();
}
