using System.Text.Json;

namespace FineTuneService.Batches;

/// <summary>A line of a batch's input.</summary>
/// <param name="Line">From 1.</param>
internal sealed record BatchRequest(int Line, string CustomId, JsonElement Body);

/// <summary>Reads a batch's input line by line.</summary>
internal static class BatchRequests
{
    public static readonly string[] Endpoints = ["/v1/chat/completions", "/v1/completions"];

    /// <summary>OpenAI's bound.</summary>
    private const int MostLines = 50_000;
    private const int MostProblems = 50, LongestId = 512;

    /// <summary>How many requests there are, or what is wrong with the file: the first problems, each with its line.</summary>
    public static async Task<(int Count, IReadOnlyList<BatchProblem> Problems)> Check(Stream input, string endpoint, CancellationToken cancel)
    {
        var ids = new HashSet<string>();
        var problems = new List<BatchProblem>();
        int line = 0, count = 0;
        using var reader = new StreamReader(input);
        while (problems.Count < MostProblems && await reader.ReadLineAsync(cancel) is { } text)
        {
            line++;
            if (string.IsNullOrWhiteSpace(text)) continue;
            if (++count > MostLines) return (0, [new BatchProblem("too_many_requests", $"The file has more than {MostLines} requests; split it.", null, line)]);
            if (Problem(text, endpoint, line, ids) is { } problem) problems.Add(problem);
        }
        if (count == 0) problems.Add(new BatchProblem("empty_file", "The file has no requests.", "input_file_id", null));
        return (count, problems);
    }

    /// <summary>The requests of a file that <see cref="Check"/> has passed.</summary>
    public static async IAsyncEnumerable<BatchRequest> Read(Stream input, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel = default)
    {
        using var reader = new StreamReader(input);
        for (int line = 1; await reader.ReadLineAsync(cancel) is { } text; line++)
        {
            if (string.IsNullOrWhiteSpace(text)) continue;
            using var parsed = JsonDocument.Parse(text);
            yield return new BatchRequest(line, parsed.RootElement.GetProperty("custom_id").GetString()!, parsed.RootElement.GetProperty("body").Clone());
        }
    }

    private static BatchProblem? Problem(string text, string endpoint, int line, HashSet<string> ids)
    {
        BatchProblem Wrong(string code, string message, string? param = null) => new(code, message, param, line);
        JsonDocument parsed;
        try
        {
            parsed = JsonDocument.Parse(text);
        }
        catch (JsonException)
        {
            return Wrong("invalid_json_line", "The line is not valid JSON.");
        }
        using (parsed)
        {
            JsonElement root = parsed.RootElement;
            if (root.ValueKind != JsonValueKind.Object) return Wrong("invalid_json_line", "The line is not a JSON object.");
            if (Text(root, "custom_id") is not { Length: > 0 and <= LongestId } id) return Wrong("missing_required_parameter", $"custom_id is a text of 1 to {LongestId} characters.", "custom_id");
            if (!ids.Add(id)) return Wrong("duplicate_custom_id", "custom_id is that of an earlier line.", "custom_id");
            if (Text(root, "method") != "POST") return Wrong("invalid_method", "method is POST.", "method");
            if (Text(root, "url") != endpoint) return Wrong("mismatched_endpoint", $"url is the batch's endpoint, {endpoint}.", "url");
            return root.TryGetProperty("body", out JsonElement body) && body.ValueKind == JsonValueKind.Object ? null : Wrong("missing_required_parameter", "body is the request, a JSON object.", "body");
        }
    }

    private static string? Text(JsonElement element, string name) => element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
