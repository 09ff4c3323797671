using System.Text.Json.Nodes;

namespace FineTuneService.Tests.Contract;

/// <summary>
/// Holds every answer that passes through it to OpenAI's own description, where OpenAI has the call: JSON bodies, each event of a stream as it
/// is read, and the error object of every refusal.
/// </summary>
internal sealed class ContractHandler : DelegatingHandler
{
    private const string Json = "application/json", Events = "text/event-stream";

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancel) => await Held(request, await base.SendAsync(request, cancel), cancel);

    /// <summary>OpenAI's .NET client has both kinds of every call.</summary>
    protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancel) => Held(request, base.Send(request, cancel), cancel).GetAwaiter().GetResult();

    private static async Task<HttpResponseMessage> Held(HttpRequestMessage request, HttpResponseMessage answer, CancellationToken cancel)
    {
        if (OpenAIDescription.Instance is not { } openAI) return answer;
        string path = request.RequestUri!.AbsolutePath;
        int version = path.IndexOf("/v1/", StringComparison.Ordinal);
        if (version < 0 || answer.Content.Headers.ContentType?.MediaType is not { } type || request.Method == HttpMethod.Head) return answer;
        if (type == Json && (int)answer.StatusCode >= 400)
        {
            await answer.Content.LoadIntoBufferAsync(cancel);
            Hold(openAI, openAI.Named("ErrorResponse"), await answer.Content.ReadAsStringAsync(cancel), request);
        }
        else if (answer.IsSuccessStatusCode && openAI.Operation(request.Method.Method, path[(version + 3)..]) is { } operation
            && OpenAIDescription.AnswerSchema(operation, type) is { } schema)
        {
            if (type == Json)
            {
                await answer.Content.LoadIntoBufferAsync(cancel);
                Hold(openAI, schema, await answer.Content.ReadAsStringAsync(cancel), request);
            }
            else if (type == Events)
            {
                var events = new StreamContent(new WatchedEvents(await answer.Content.ReadAsStreamAsync(cancel), data => Hold(openAI, schema, data, request)));
                foreach ((string header, IEnumerable<string> values) in answer.Content.Headers) events.Headers.TryAddWithoutValidation(header, values);
                answer.Content = events;
            }
        }
        return answer;
    }

    private static void Hold(OpenAIDescription openAI, JsonNode schema, string body, HttpRequestMessage request)
    {
        JsonNode? value = JsonNode.Parse(body);
        // A stream that breaks says so in an error object.
        if (value is JsonObject { Count: 1 } failed && failed.ContainsKey("error")) schema = openAI.Named("ErrorResponse");
        IReadOnlyList<string> problems = openAI.Problems(schema, value);
        if (problems.Count > 0)
            Assert.Fail($"The answer of {request.Method} {request.RequestUri} does not fit OpenAI's description of it:\n{string.Join('\n', problems)}\n{body}");
    }
}
