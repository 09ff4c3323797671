using System.Text.Json.Nodes;

namespace FineTuneService.Tests.Batches;

/// <summary>What tests of batches ask again and again.</summary>
internal static class BatchCalls
{
    public static string Line(string id, string model, string text = "Repeat: red stone", int tokens = 3) =>
        $$$"""{"custom_id": "{{{id}}}", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "{{{model}}}", "max_tokens": {{{tokens}}}, "temperature": 0, "messages": [{"role": "user", "content": "{{{text}}}"}]}}""" + "\n";

    public static async Task<JsonNode> Batch(this HttpClient client, string lines, string endpoint = "/v1/chat/completions") => await client.Post("/v1/batches", new
    {
        input_file_id = await client.Upload(lines, "batch"),
        endpoint,
        completion_window = "24h",
        metadata = new { team = "a" },
    });

    /// <summary>The batch, once it has ended.</summary>
    public static async Task<JsonNode> BatchEnded(this HttpClient client, JsonNode batch)
    {
        while (true)
        {
            JsonNode now = await client.Get($"/v1/batches/{batch["id"]}");
            if ((string?)now["status"] is "completed" or "failed" or "cancelled" or "expired") return now;
            await Task.Delay(20);
        }
    }

    /// <summary>The lines of a file of the batch.</summary>
    public static async Task<JsonNode[]> Lines(this HttpClient client, JsonNode batch, string file) =>
        [.. (await client.GetStringAsync($"/v1/files/{batch[file]}/content")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!)];
}
