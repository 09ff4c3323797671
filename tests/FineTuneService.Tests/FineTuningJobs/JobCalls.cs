using System.IO.Compression;
using System.Text.Json.Nodes;

namespace FineTuneService.Tests.FineTuningJobs;

/// <summary>What tests of jobs ask again and again.</summary>
internal static class JobCalls
{
    /// <summary>A file of rows that differ.</summary>
    public static string Rows(int count) =>
        string.Concat(Enumerable.Range(0, count).Select(i => $"{{\"prompt\": \"count from {i}\", \"completion\": \" {i + 1} {i + 2} {i + 3}\"}}\n"));

    /// <summary>A job on the embedded base.</summary>
    /// <returns>Its id.</returns>
    public static async Task<string> Train(this HttpClient client, string file, object training, string? validation = null) =>
        (string)(await client.Post("/v1/fine_tuning/jobs", new { model = TestService.BaseModel, training_file = file, validation_file = validation, seed = 5, training }))["id"]!;

    /// <summary>The weights' bytes of the succeeded job's adapter, as its zip has them.</summary>
    public static async Task<byte[]> Weights(this HttpClient client, string job)
    {
        JsonNode ended = await client.Ended(job);
        Assert.True((string?)ended["status"] == "succeeded", ended.ToJsonString());
        JsonNode adapter = (await client.Get("/v1/adapters?limit=100"))["data"]!.AsArray().Single(a => (string)a!["model"]! == (string)ended["fine_tuned_model"]!)!;
        using var zip = new ZipArchive(await client.GetStreamAsync($"/v1/adapters/{adapter["id"]}/content"));
        using var weights = new MemoryStream();
        await zip.GetEntry("adapter_model.safetensors")!.Open().CopyToAsync(weights);
        return weights.ToArray();
    }

    /// <summary>Until the job is at this step, or has ended.</summary>
    public static async Task WaitForStep(this HttpClient client, string job, int step)
    {
        for (JsonNode body = await client.Get($"/v1/fine_tuning/jobs/{job}"); (int)body["progress"]!["step"]! < step && (string?)body["status"] is "validating_files" or "queued" or "running";)
        {
            await Task.Delay(20);
            body = await client.Get($"/v1/fine_tuning/jobs/{job}");
        }
    }

    /// <summary>All of the job's events, oldest first.</summary>
    public static async Task<List<JsonNode>> AllEvents(this HttpClient client, string job)
    {
        var events = new List<JsonNode>();
        string after = "";
        while (true)
        {
            JsonNode page = await client.Get($"/v1/fine_tuning/jobs/{job}/events?limit=100&order=asc{after}");
            events.AddRange(page["data"]!.AsArray().Select(e => e!));
            if (!(bool)page["has_more"]!) return events;
            after = $"&after={page["last_id"]}";
        }
    }

    /// <summary>The steps that the events tell of, each once, in order.</summary>
    public static int[] Steps(this IEnumerable<JsonNode> events) =>
        [.. events.Where(e => e["data"]?["train_loss"] is not null).Select(e => (int)e["data"]!["step"]!).Distinct()];
}
