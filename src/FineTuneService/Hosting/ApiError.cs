using System.Text.Json.Serialization;

namespace FineTuneService.Hosting;

/// <summary>OpenAI's error object. The message says what to do next.</summary>
public sealed record ApiError(
    string Message,
    string Type,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Param,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Code);

/// <summary>The body of every answer that is not 2xx.</summary>
public sealed record ErrorBody(ApiError Error);

/// <summary>Makes error answers.</summary>
public static class Errors
{
    public static IResult BadRequest(string message, string code = "invalid_value", string? param = null) => Make(400, message, code, param);

    public static IResult Unauthorized(string message) => Make(401, message, "invalid_api_key");

    public static IResult NotFound(string what, string id, string code = "not_found") =>
        Make(404, $"No such {what}: '{Clip(id)}'. List yours to see which there are.", code);

    public static IResult ModelNotFound(string model, string param = "model") =>
        Make(404, $"The model '{Clip(model)}' does not exist or is not yours. GET /v1/models lists what you can use.", "model_not_found", param);

    public static IResult Conflict(string message, string code = "conflict") => Make(409, message, code);

    public static IResult Unprocessable(string message, string code, string? param = null) => Make(422, message, code, param);

    /// <summary>There is no room now: 503, to be tried again in a moment.</summary>
    public static IResult Busy(string message, string code = "overloaded") => new BusyResult(message, code);

    public static IResult Make(int status, string message, string? code = null, string? param = null) =>
        Results.Json(Body(status, message, code, param), statusCode: status);

    public static ErrorBody Body(int status, string message, string? code, string? param) => new(new ApiError(message, TypeOf(status), param, code));

    /// <summary>What a client wrote, short enough for a message.</summary>
    public static string Clip(string text) => text.Length <= 100 ? text : text[..100] + "…";

    private static string TypeOf(int status) => status switch
    {
        401 => "authentication_error",
        403 => "permission_error",
        429 => "rate_limit_error",
        >= 500 => "server_error",
        _ => "invalid_request_error",
    };
}

/// <summary>A 503 that says when to come back.</summary>
internal sealed record BusyResult(string Message, string Code) : IResult
{
    private const int RetryAfterSeconds = 1;

    public Task ExecuteAsync(HttpContext context)
    {
        context.Response.Headers.RetryAfter = RetryAfterSeconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return Errors.Make(503, Message, Code).ExecuteAsync(context);
    }
}
