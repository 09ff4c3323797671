using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using FineTuneService.Hosting;
using Microsoft.Extensions.Options;
using Polly;
using Polly.Retry;

namespace FineTuneService.Integrations;

/// <summary>
/// MLflow's REST API 2.0, a call each (https://mlflow.org/docs/latest/api_reference/rest-api.html). What a moment mends is tried again here; beyond that it is
/// the caller's. The credentials go to <see cref="MlflowOptions.TrackingUri"/> alone: nothing that redirects is followed.
/// </summary>
internal sealed class MlflowHttp(IOptions<FineTuneOptions> options, TimeProvider clock) : IDisposable
{
    private const long LargestAnswer = 4 << 20;
    private static readonly TimeSpan LongestAnswer = TimeSpan.FromSeconds(10), LongestRetryAfter = TimeSpan.FromMinutes(10), LongestWaitHere = TimeSpan.FromSeconds(5);

    /// <summary>As MLflow's own client has it.</summary>
    private static readonly int[] Passing = [408, 429, 500, 502, 503, 504];

    private static readonly ResiliencePipeline Pipeline = new ResiliencePipelineBuilder().AddRetry(new RetryStrategyOptions
    {
        ShouldHandle = new PredicateBuilder().Handle<MlflowTroubleException>(trouble => trouble.RetryAfter is null || trouble.RetryAfter <= LongestWaitHere),
        MaxRetryAttempts = 2,
        Delay = TimeSpan.FromMilliseconds(300),
        BackoffType = DelayBackoffType.Exponential,
        UseJitter = true,
        DelayGenerator = failed => new((failed.Outcome.Exception as MlflowTroubleException)?.RetryAfter),
    }).Build();

    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        ConnectTimeout = TimeSpan.FromSeconds(5),
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    })
    { Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = LargestAnswer };

    /// <param name="call">As "experiments/get-by-name?experiment_name=a".</param>
    /// <exception cref="MlflowRefusedException">It says no.</exception>
    /// <exception cref="MlflowTroubleException">It does not say.</exception>
    public async Task<JsonElement> Get(string call, CancellationToken cancel) => await Pipeline.ExecuteAsync(async stop => await Send(() => new HttpRequestMessage(HttpMethod.Get, Address(call)), stop), cancel);

    /// <param name="again">Whether it does no harm where it comes twice.</param>
    /// <inheritdoc cref="Get"/>
    public async Task<JsonElement> Post(string call, object body, CancellationToken cancel, bool again = true)
    {
        // Bytes, and not a stream: MLflow's server reads no body that comes in chunks.
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(body, Json.Options);
        HttpRequestMessage Request() => new(HttpMethod.Post, Address(call)) { Content = new ByteArrayContent(json) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } } };
        return again ? await Pipeline.ExecuteAsync(async stop => await Send(Request, stop), cancel) : await Send(Request, cancel);
    }

    public void Dispose() => _http.Dispose();

    private MlflowOptions Server => options.Value.Mlflow;

    private Uri Address(string call) => new($"{Server.TrackingUri.TrimEnd('/')}/api/2.0/mlflow/{call}");

    private async Task<JsonElement> Send(Func<HttpRequestMessage> make, CancellationToken cancel)
    {
        using HttpRequestMessage request = make();
        request.Headers.TryAddWithoutValidation("User-Agent", "FineTuneService");
        request.Headers.Authorization = Credentials();
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(LongestAnswer);
        try
        {
            using HttpResponseMessage answer = await _http.SendAsync(request, patience.Token);
            return Read(answer, await answer.Content.ReadAsByteArrayAsync(patience.Token));
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new MlflowTroubleException($"it did not answer within {LongestAnswer.TotalSeconds:0} seconds");
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException or SocketException)
        {
            throw new MlflowTroubleException($"it cannot be reached ({failure.Message.TrimEnd('.')})", cause: failure);
        }
    }

    /// <summary>As MLflow's own client: a user goes before a token.</summary>
    private AuthenticationHeaderValue? Credentials() => Server switch
    {
        { User.Length: > 0 } => new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{Server.User}:{Server.Password}"))),
        { Token.Length: > 0 } => new AuthenticationHeaderValue("Bearer", Server.Token),
        _ => null,
    };

    private JsonElement Read(HttpResponseMessage answer, byte[] body)
    {
        JsonElement? json = Parsed(body);
        int status = (int)answer.StatusCode;
        if (answer.IsSuccessStatusCode && json is { ValueKind: JsonValueKind.Object } found) return found;
        string? code = json is { ValueKind: JsonValueKind.Object } error && error.TryGetProperty("error_code", out JsonElement name) && name.ValueKind == JsonValueKind.String ? name.GetString() : null;
        if (status is >= 400 and < 500 && status is not (401 or 403) && !Passing.Contains(status) && code is not null)
        {
            string text = json!.Value.TryGetProperty("message", out JsonElement message) && message.ValueKind == JsonValueKind.String ? message.GetString()! : "";
            throw new MlflowRefusedException(code, Errors.Clip(text));
        }
        throw new MlflowTroubleException(answer.StatusCode switch
        {
            HttpStatusCode.Unauthorized => "it does not know us (401); set FineTune:Mlflow:Token, or User and Password",
            HttpStatusCode.Forbidden => "it forbids it (403); give FineTune:Mlflow's user the right to write, and let the server allow this host name",
            _ when status is >= 300 and < 400 => $"it redirects ({status}), which is not followed; set FineTune:Mlflow:TrackingUri to where it leads",
            _ when Passing.Contains(status) => $"it answered {status}",
            _ => $"it answered {status}, and not as MLflow does; check FineTune:Mlflow:TrackingUri",
        }, RetryAfter(answer));
    }

    private static JsonElement? Parsed(byte[] body)
    {
        try
        {
            return JsonSerializer.Deserialize<JsonElement>(body);
        }
        catch (JsonException)
        {
            return null; // Errors may be HTML or plain text.
        }
    }

    private TimeSpan? RetryAfter(HttpResponseMessage answer)
    {
        TimeSpan? wait = answer.Headers.RetryAfter?.Delta ?? (answer.Headers.RetryAfter?.Date is { } date ? date - clock.GetUtcNow() : null);
        return wait is null ? null : TimeSpan.FromSeconds(Math.Clamp(wait.Value.TotalSeconds, 0, LongestRetryAfter.TotalSeconds));
    }
}
