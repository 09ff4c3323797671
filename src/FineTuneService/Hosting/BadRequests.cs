using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Diagnostics;

namespace FineTuneService.Hosting;

/// <summary>Turns a body that does not bind into a 400 that names the field, and anything else into a 500 that says nothing of the inside.</summary>
internal sealed partial class BadRequests(ILogger<BadRequests> log) : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext context, Exception failure, CancellationToken cancel)
    {
        if (failure is OperationCanceledException && context.RequestAborted.IsCancellationRequested) return true;
        (int status, string message, string code, string? param) = failure switch
        {
            BadHttpRequestException { InnerException: JsonException json } => Explain(json),
            JsonException json => Explain(json),
            BadHttpRequestException { StatusCode: 413 } => (413, "The body is too large; FineTune:MaxUploadBytes is the limit.", "body_too_large", null),
            BadHttpRequestException { StatusCode: 415 } => (415, "Send Content-Type: application/json.", "unsupported_media_type", null),
            BadHttpRequestException bad => (bad.StatusCode, bad.Message, "invalid_value", (string?)null),
            _ => (500, "The service failed; its log has the request's x-request-id.", "internal_error", null),
        };
        if (status == 500) log.LogError(failure, "Request {Method} {Path} failed", context.Request.Method, context.Request.Path);
        await Errors.Make(status, message, code, param).ExecuteAsync(context);
        return true;
    }

    private static (int, string, string, string?) Explain(JsonException json)
    {
        string? path = json.Path is null or "$" ? null : json.Path.TrimStart('$').TrimStart('.');
        if (Unmapped().Match(json.Message) is { Success: true } unknown)
        {
            string name = unknown.Groups[1].Value;
            string full = path is null || path == name || path.EndsWith("." + name, StringComparison.Ordinal) ? path ?? name : $"{path}.{name}";
            return (400, $"Unknown parameter: '{full}'. It is not part of this call, or not built yet; leave it out.", "unknown_parameter", full);
        }
        if (Missing().Match(json.Message) is { Success: true } missing)
        {
            string name = missing.Groups[1].Value;
            string full = path is null ? name : $"{path}.{name}";
            return (400, $"Missing required parameter: '{full}'.", "missing_required_parameter", full);
        }
        if (json.InnerException is { } inner && inner.GetType().Name == "JsonReaderException")
            return (400, $"The body is not valid JSON: {inner.Message}", "invalid_json", path);
        return (400, $"Invalid value for '{path ?? "the body"}': {Reason(json.Message)}", "invalid_value", path);
    }

    /// <summary>Without the .NET types that the serializer names.</summary>
    private static string Reason(string message) =>
        message.StartsWith("The JSON value could not be converted", StringComparison.Ordinal) ? "it has the wrong type." : message.Split(" Path:")[0];

    [GeneratedRegex("The JSON property '([^']+)' could not be mapped")]
    private static partial Regex Unmapped();

    [GeneratedRegex("missing required properties[^']*'([^']+)'")]
    private static partial Regex Missing();
}
