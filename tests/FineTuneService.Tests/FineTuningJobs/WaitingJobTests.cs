using System.Text.Json.Nodes;

namespace FineTuneService.Tests.FineTuningJobs;

/// <summary>A job among answers that never end.</summary>
public sealed class WaitingJobTests(TestService service) : IClassFixture<TestService>
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Job_ChatsAlwaysUnderWay_StartsTrainsAndCanBeCancelled()
    {
        HttpClient client = service.With(await service.NewTenant("busy"));
        string file = await client.Upload(Evaluations.EvaluationTests.Chat(24));
        using var over = new CancellationTokenSource();
        Task[] chats = [.. Enumerable.Range(0, 3).Select(async i =>
        {
            while (!over.IsCancellationRequested) await client.Chat(TestService.BaseModel, maxTokens: 200, question: $"say {i}", temperature: 1);
        })];
        JsonNode first = await Create(client, file, 3), second = await Create(client, file, 100_000), third = await Create(client, file, 100_000);
        Assert.Equal("succeeded", (string?)(await client.Ended((string)first["id"]!).WaitAsync(Soon, TestContext.Current.CancellationToken))["status"]);
        // The next one begins, too; one that waits behind it is cancelled where it waits.
        string path = $"/v1/fine_tuning/jobs/{second["id"]}";
        await Until(async () => (int?)(await client.Get(path))["progress"]?["step"] > 1);
        foreach (JsonNode job in new[] { third, second }) await client.PostAsync($"/v1/fine_tuning/jobs/{job["id"]}/cancel", null, TestContext.Current.CancellationToken);
        foreach (JsonNode job in new[] { third, second })
            Assert.Equal("cancelled", (string?)(await client.Ended((string)job["id"]!).WaitAsync(Soon, TestContext.Current.CancellationToken))["status"]);
        await over.CancelAsync();
        await Task.WhenAll(chats);
    }

    private static Task<JsonNode> Create(HttpClient client, string file, int steps) => client.Post("/v1/fine_tuning/jobs", new
    {
        model = TestService.BaseModel,
        training_file = file,
        lora = new { rank = 2 },
        training = new { max_steps = steps, epochs = 1000, batch_size = 4 },
    });

    private static async Task Until(Func<Task<bool>> holds)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while (!await holds())
        {
            Assert.True(clock.Elapsed < Soon, "it does not begin");
            await Task.Delay(50);
        }
    }
}
