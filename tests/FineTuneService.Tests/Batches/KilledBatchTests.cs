using System.Text.Json.Nodes;

namespace FineTuneService.Tests.Batches;

/// <summary>A batch whose service is killed in the middle.</summary>
[Waits]
public sealed class KilledBatchTests
{
    [Fact]
    public async Task Batch_ServiceKilled_GoesOnAndAnswersEachLineOnce()
    {
        const int lines = 120;
        using var data = new DataFolder();
        string key;
        JsonNode batch;
        using (var first = new ServiceProcess(data))
        {
            using HttpClient admin = await first.Client(TestService.AdminKey);
            await admin.Post("/v1/tenants", new { id = "acme" });
            key = (string)(await admin.Post("/v1/api_keys", new { tenant = "acme" }))["key"]!;
            using HttpClient client = await first.Client(key);
            batch = await client.Batch(string.Concat(Enumerable.Range(0, lines).Select(i => BatchCalls.Line($"{i}", TestService.BaseModel, tokens: 30))));
            while ((int)(await client.Get($"/v1/batches/{batch["id"]}"))["request_counts"]!["completed"]! < 5) await Task.Delay(10);
            await first.Kill();
        }
        using var second = new ServiceProcess(data);
        using HttpClient again = await second.Client(key);
        JsonNode ended = await again.BatchEnded(batch);
        Assert.Equal("completed", (string)ended["status"]!);
        Assert.Equal(lines, (int)ended["request_counts"]!["completed"]!);
        Assert.Equal(Enumerable.Range(0, lines).Select(i => $"{i}"), (await again.Lines(ended, "output_file_id")).Select(line => (string)line["custom_id"]!));
    }
}
