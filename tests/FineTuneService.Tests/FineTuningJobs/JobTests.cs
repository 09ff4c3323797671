using System.Net;
using System.Text.Json.Nodes;
using FineTuneService.Device;
using Microsoft.Extensions.DependencyInjection;

namespace FineTuneService.Tests.FineTuningJobs;

public sealed class JobTests(TestService service) : IClassFixture<TestService>
{
    [Fact]
    public async Task Job_BrokenLines_FailsWithOneProblemThatCountsThem()
    {
        HttpClient client = service.With(await service.NewTenant("broken"));
        string rows = string.Concat(Enumerable.Range(1, 30).Select(i => i % 2 == 0 ? "{\"prompt\": \"a\", \"completion\": \" b\"}\n" : "{broken\n"));
        JsonNode job = await client.Post("/v1/fine_tuning/jobs", new { model = TestService.BaseModel, training_file = await client.Upload(rows) });
        Assert.Equal("validating_files", (string?)job["status"]);
        JsonNode ended = await client.Ended((string)job["id"]!);
        Assert.Equal("failed", (string?)ended["status"]);
        string message = (string)ended["error"]!["message"]!;
        Assert.Contains("15 problems", message);
        Assert.Contains("rows.jsonl, line 1 and 14 more (3, 5, 7, 9, …): invalid JSON", message);
        JsonArray events = (await client.Get($"/v1/fine_tuning/jobs/{job["id"]}/events?limit=100"))["data"]!.AsArray();
        Assert.Single(events, e => (string?)e!["level"] == "error");
    }

    [Fact]
    public async Task Job_GoodRows_TrainsAndItsAdapterAnswers()
    {
        HttpClient client = service.With(await service.NewTenant("good"));
        string rows = string.Concat(Enumerable.Range(0, 24).Select(i =>
            $"{{\"messages\": [{{\"role\": \"user\", \"content\": \"say {i}\"}}, {{\"role\": \"assistant\", \"content\": \"POTATO\"}}]}}\n"));
        JsonNode job = await client.Post("/v1/fine_tuning/jobs", new
        {
            model = TestService.BaseModel,
            training_file = await client.Upload(rows),
            suffix = "potato",
            quantization = new { type = "nf4" },
            training = new { epochs = 8, learning_rate = 0.01, batch_size = 8, save_every = 10 },
        });
        JsonNode ended = await client.Ended((string)job["id"]!);
        Assert.Equal("succeeded", (string?)ended["status"]);
        Assert.NotEmpty((await client.Get($"/v1/fine_tuning/jobs/{job["id"]}/checkpoints"))["data"]!.AsArray());
        string stream = await client.GetStringWith($"/v1/fine_tuning/jobs/{job["id"]}/events", "text/event-stream");
        Assert.EndsWith("data: [DONE]\n\n", stream);

        object Ask(bool streamed) => new { model = (string)ended["fine_tuned_model"]!, temperature = 0, max_tokens = 12, stream = streamed, messages = new[] { new { role = "user", content = "say 5" } } };
        Assert.Equal("POTATO", (string?)(await client.Post("/v1/chat/completions", Ask(false)))["choices"]![0]!["message"]!["content"]);
        await client.PostAsync($"/v1/fine_tuning/jobs/{job["id"]}/cancel", null).Error(HttpStatusCode.Conflict);
    }

    [Fact]
    public async Task Cancel_RunningJob_EndsItAndKeepsNothing()
    {
        HttpClient client = service.With(await service.NewTenant("cancels"));
        string rows = string.Concat(Enumerable.Repeat("{\"prompt\": \"one two three\", \"completion\": \" four five six\"}\n", 50));
        JsonNode job = await client.Post("/v1/fine_tuning/jobs", new { model = TestService.BaseModel, training_file = await client.Upload(rows), training = new { epochs = 1000, batch_size = 1 } });
        while ((string?)(await client.Get($"/v1/fine_tuning/jobs/{job["id"]}"))["status"] != "running") await Task.Delay(20);
        await client.PostAsync($"/v1/fine_tuning/jobs/{job["id"]}/cancel", null);
        Assert.Equal("cancelled", (string?)(await client.Ended((string)job["id"]!))["status"]);
        Assert.Empty((await client.Get("/v1/adapters"))["data"]!.AsArray());
    }

    [Fact]
    public async Task Cancel_JobThatWaitsForTheDevice_EndsItAtOnce()
    {
        HttpClient client = service.With(await service.NewTenant("waits"));
        string file = await client.Upload(JobCalls.Rows(10));
        using var free = new ManualResetEventSlim();
        Task<bool> held = service.Services.GetRequiredService<DeviceLease>().Train("the test", () => free.Wait(TimeSpan.FromMinutes(1)));
        string job = await client.Train(file, new { max_steps = 5 });
        while ((string?)(await client.Get($"/v1/fine_tuning/jobs/{job}"))["status"] != "running") await Task.Delay(20);
        await client.PostAsync($"/v1/fine_tuning/jobs/{job}/cancel", null);
        Assert.Equal("cancelled", (string?)(await client.Ended(job))["status"]);
        Assert.False(held.IsCompleted);
        free.Set();
        await held;
    }

    [Fact]
    public async Task Estimate_GoodFile_CountsExactlyAndBadFileIs422()
    {
        HttpClient client = service.With(await service.NewTenant("estimates"));
        string good = await client.Upload(string.Concat(Enumerable.Repeat("{\"prompt\": \"a\", \"completion\": \" b\"}\n", 20)));
        JsonNode estimate = await client.Post("/v1/fine_tuning/jobs/estimate", new { model = TestService.BaseModel, training_file = good, lora = new { rank = 1, target_modules = "lm_head" } });
        Assert.Equal(192 + 1024, (long)estimate["trainable_parameters"]!);
        string bad = await client.Upload("{broken\n");
        await client.PostAsync("/v1/fine_tuning/jobs/estimate", System.Net.Http.Json.JsonContent.Create(new { model = TestService.BaseModel, training_file = bad })).Error(HttpStatusCode.UnprocessableEntity);
    }
}
