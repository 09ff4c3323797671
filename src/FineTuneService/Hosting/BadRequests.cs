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
            BadHttpRequestException bad when Unbound().Match(bad.Message) is { Success: true } unbound => Explain(unbound),
            BadHttpRequestException bad when bad.Message.Contains("no body was provided") => (400, "The body is empty; send a JSON object.", "invalid_json", null),
            BadHttpRequestException bad => (bad.StatusCode, bad.Message, "invalid_value", (string?)null),
            InvalidOperationException bad when bad.Message.StartsWith("Unable to read the request as JSON because", StringComparison.Ordinal) =>
                (415, "Send Content-Type: application/json, in UTF-8.", "unsupported_media_type", null),
            _ => (500, "The service failed; its log has the request's x-request-id.", "internal_error", null),
        };
        if (status == 500) log.LogError(failure, "Request {Method} {Path} failed", context.Request.Method, context.Request.Path);
        await Errors.Make(status, message, code, param).ExecuteAsync(context);
        return true;
    }

    private static (int, string, string, string?) Explain(Match unbound)
    {
        string name = JsonNamingPolicy.SnakeCaseLower.ConvertName(unbound.Groups[2].Value);
        string wanted = unbound.Groups[1].Value.Contains("int") ? "a whole number" : "of another type";
        return (400, $"Invalid value for '{name}': '{Errors.Clip(unbound.Groups[3].Value)}' is not {wanted}.", "invalid_value", name);
    }

    private static (int, string, string, string?) Explain(JsonException json)
    {
        string? path = json.Path is null or "$" ? null : json.Path.TrimStart('$').TrimStart('.');
        if (json is NotBuiltException) return (400, $"Unknown parameter: '{path}'. It is not built yet; leave it out.", "unknown_parameter", path);
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
    private static string Reason(string message) => message switch
    {
        _ when message.StartsWith("The JSON value could not be converted", StringComparison.Ordinal) => "it has the wrong type.",
        _ when message.Contains("doesn't allow setting null values") => "it may not be null.",
        _ when message.StartsWith("Duplicate property", StringComparison.Ordinal) => "it is there twice; give it once.",
        _ => message.Split(" Path:")[0],
    };

    [GeneratedRegex("The JSON property '([^']+)' could not be mapped")]
    private static partial Regex Unmapped();

    [GeneratedRegex("Failed to bind parameter \"(.+) (\\w+)\" from \"(.*)\"", RegexOptions.Singleline)]
    private static partial Regex Unbound();

    [GeneratedRegex("missing required properties[^']*'([^']+)'")]
    private static partial Regex Missing();
}
