using System.Text.Json;
using FineTuneService.Completions;
using FineTuneService.Data;
using FineTuneService.Hosting;

namespace FineTuneService.Batches;

/// <summary>Answers a batch's requests as the endpoints do, without a connection.</summary>
internal sealed class BatchAnswers(IServiceScopeFactory scopes, ILogger<BatchAnswers> log)
{
    private static readonly JsonElement Nothing = JsonSerializer.SerializeToElement(new object());

    /// <returns>Status and body; null where there was no room, and it is to be tried again.</returns>
    public async Task<BatchResponse?> Ask(Batch batch, BatchRequest request, CancellationToken cancel)
    {
        await using AsyncServiceScope scope = scopes.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<CurrentTenant>().Become(batch.TenantId, batch.KeyId ?? "");
        var context = new DefaultHttpContext { RequestServices = scope.ServiceProvider };
        var body = new MemoryStream();
        context.Response.Body = body;
        IResult answer;
        try
        {
            var completions = scope.ServiceProvider.GetRequiredService<CompletionsAnswers>();
            answer = IsStreamed(request.Body) ? Errors.BadRequest("A batch's answers are whole: leave stream out.", param: "stream")
                : batch.Endpoint == "/v1/completions" ? await completions.Complete(Read<CompletionRequest>(request.Body), background: true, cancel)
                : await completions.Chat(Read<ChatCompletionRequest>(request.Body), background: true, cancel);
        }
        catch (JsonException wrong)
        {
            (int status, string message, string code, string? param) = BodyFaults.Explain(wrong);
            answer = Errors.Make(status, message, code, param);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            answer = DamagedModels.Answer(failure) ?? Errors.Make(500, "The service failed; its log says why.", "internal_error");
            log.LogError(failure, "Line {Line} of batch {Batch} failed", request.Line, batch.Id);
        }
        await answer.ExecuteAsync(context);
        if (context.Response.StatusCode is 503 or 429) return null;
        return new BatchResponse(context.Response.StatusCode, Ids.New("req"), body.Length == 0 ? Nothing : JsonSerializer.Deserialize<JsonElement>(body.ToArray()));
    }

    private static bool IsStreamed(JsonElement body) => body.TryGetProperty("stream", out JsonElement stream) && stream.ValueKind == JsonValueKind.True;

    private static T Read<T>(JsonElement body) => body.Deserialize<T>(Json.Options)!;
}
