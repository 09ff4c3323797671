using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using FineTuneService.Batches;
using FineTuneService.Completions;
using FineTuneService.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace FineTuneService.Tests.Batches;

/// <summary>Files of requests: every line comes to an answer or an error, under its own name and by its own model.</summary>
public sealed class BatchTests(TestService service) : IClassFixture<TestService>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Batch_LinesOfSeveralModels_AnswersEachByItsOwnAndNamesWhatFails()
    {
        HttpClient client = await Client();
        JsonNode adapter = await client.UploadAdapter(seed: 7);
        string model = (string)adapter["model"]!;
        JsonNode batch = await client.Batch(BatchCalls.Line("base", TestService.BaseModel) + BatchCalls.Line("none", "no-such") + "\n" + BatchCalls.Line("tuned", model) + BatchCalls.Line("bad", TestService.BaseModel, tokens: -1));
        Assert.Equal("validating", (string)batch["status"]!);
        JsonNode ended = await client.BatchEnded(batch);
        Assert.True((string)ended["status"]! == "completed", ended.ToJsonString());
        Assert.Equal((4, 2, 2), ((int)ended["request_counts"]!["total"]!, (int)ended["request_counts"]!["completed"]!, (int)ended["request_counts"]!["failed"]!));
        Assert.Equal("a", (string)ended["metadata"]!["team"]!);
        JsonNode[] answers = await client.Lines(ended, "output_file_id"), errors = await client.Lines(ended, "error_file_id");
        Assert.Equal(["base", "tuned"], answers.Select(line => (string)line["custom_id"]!));
        Assert.Equal([(404, "none"), (400, "bad")], errors.Select(line => ((int)line["response"]!["status_code"]!, (string)line["custom_id"]!)));
        Assert.Equal(await client.Chat(TestService.BaseModel, 3), Text(answers[0]));
        Assert.Equal(await client.Chat(model, 3), Text(answers[1]));
        Assert.NotEqual(Text(answers[0]), Text(answers[1]));
        Assert.Equal(answers.Sum(line => (int)line["response"]!["body"]!["usage"]!["total_tokens"]!), (int)ended["usage"]!["total_tokens"]!);
        Assert.Equal("batch_output", (string)(await client.Get($"/v1/files/{ended["output_file_id"]}"))["purpose"]!);
    }

    [Fact]
    public async Task Batch_OfCompletions_IsAnswered()
    {
        HttpClient client = await Client();
        string line = """{"custom_id": "1", "method": "POST", "url": "/v1/completions", "body": {"model": "talers-2m", "prompt": "Good", "max_tokens": 2}}""";
        JsonNode ended = await client.BatchEnded(await client.Batch(line, "/v1/completions"));
        Assert.Equal("text_completion", (string)(await client.Lines(ended, "output_file_id")).Single()["response"]!["body"]!["object"]!);
        Assert.Null(ended["error_file_id"]);
    }

    [Fact]
    public async Task Batch_InputThatIsWrong_FailsWithEachLinesProblem()
    {
        HttpClient client = await Client();
        string good = BatchCalls.Line("1", TestService.BaseModel);
        JsonNode ended = await client.BatchEnded(await client.Batch(good + good + "{\n[]\n" + good.Replace("\"1\"", "\"2\"").Replace("POST", "GET") + good.Replace("\"1\"", "\"3\"").Replace("/v1/chat/completions", "/v1/completions")));
        Assert.Equal("failed", (string)ended["status"]!);
        Assert.Equal([(2, "duplicate_custom_id"), (3, "invalid_json_line"), (4, "invalid_json_line"), (5, "invalid_method"), (6, "mismatched_endpoint")],
            ended["errors"]!["data"]!.AsArray().Select(problem => ((int)problem!["line"]!, (string)problem["code"]!)));
        Assert.Null(ended["output_file_id"]);
    }

    [Theory]
    [InlineData("endpoint", "/v1/embeddings", "24h", "batch", 400)]
    [InlineData("completion_window", "/v1/completions", "1h", "batch", 400)]
    [InlineData("input_file_id", "/v1/completions", "24h", "fine-tune", 400)]
    [InlineData("input_file_id", "/v1/completions", "24h", null, 404)]
    public async Task Create_WhatCannotBe_IsRefusedByName(string param, string endpoint, string window, string? purpose, int status)
    {
        HttpClient client = await Client();
        string file = purpose is null ? "file-none" : await client.Upload("{}", purpose);
        JsonNode error = await client.PostAsJsonAsync("/v1/batches", new { input_file_id = file, endpoint, completion_window = window }, Cancel).Error((HttpStatusCode)status);
        Assert.Equal(param, (string?)error["param"]);
    }

    [Fact]
    public async Task Cancel_UnderWay_KeepsWhatWasAnsweredAndNamesTheRest()
    {
        HttpClient client = await Client();
        JsonNode batch = await client.Batch(string.Concat(Enumerable.Range(0, 300).Select(i => BatchCalls.Line($"{i}", TestService.BaseModel, tokens: 60))));
        while ((int)(await client.Get($"/v1/batches/{batch["id"]}"))["request_counts"]!["completed"]! < 3) await Task.Delay(10, Cancel);
        await client.Post($"/v1/batches/{batch["id"]}/cancel", new { });
        JsonNode ended = await client.BatchEnded(batch);
        Assert.Equal("cancelled", (string)ended["status"]!);
        JsonNode[] answers = await client.Lines(ended, "output_file_id"), rest = await client.Lines(ended, "error_file_id");
        Assert.Equal(300, answers.Length + rest.Length);
        Assert.All(rest, line => Assert.Equal("batch_cancelled", (string)line["error"]!["code"]!));
        Assert.Equal(300, answers.Concat(rest).Select(line => (string)line["custom_id"]!).Distinct().Count());
        await client.PostAsync($"/v1/batches/{(await client.BatchEnded(await client.Batch(BatchCalls.Line("1", "none"))))["id"]}/cancel", null, Cancel).Error(HttpStatusCode.Conflict);
    }

    [Fact]
    public async Task Batch_PastItsWindow_ExpiresWithEveryLineNamed()
    {
        string tenant = $"t{Guid.NewGuid():n}";
        HttpClient client = service.With(await service.NewTenant(tenant));
        string file = await client.Upload(BatchCalls.Line("1", TestService.BaseModel), "batch");
        await using (service.Services.GetRequiredService<IServiceScopeFactory>().SystemScope(out FineTuneDbContext db))
        {
            string sha256 = await db.Files.Where(row => row.Id == file).Select(row => row.Sha256).FirstAsync(Cancel);
            db.Batches.Add(new Batch
            {
                Id = "batch-old",
                TenantId = tenant,
                Endpoint = "/v1/chat/completions",
                InputFileId = file,
                InputSha256 = sha256,
                Status = BatchStatus.Validating,
                CreatedAt = 1,
                ExpiresAt = 2,
            });
            await db.SaveChangesAsync(Cancel);
        }
        service.Services.GetRequiredService<BatchSignal>().Came();
        JsonNode ended = await client.BatchEnded(JsonNode.Parse("""{"id": "batch-old"}""")!);
        Assert.Equal("expired", (string)ended["status"]!);
        Assert.Equal("batch_expired", (string)(await client.Lines(ended, "error_file_id")).Single()["error"]!["code"]!);
    }

    [Fact]
    public async Task Yield_SomebodyWaitsForAnAnswer_WaitsAndNotForOtherBatches()
    {
        HttpClient client = await Client();
        var answering = service.Services.GetRequiredService<Answering>();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/completions")
        {
            Content = JsonContent.Create(new { model = TestService.BaseModel, prompt = "a", max_tokens = 250, n = 8, stream = true, logit_bias = new Dictionary<string, int> { ["1"] = -100 } }),
        };
        using HttpResponseMessage live = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancel);
        Task yields = answering.Yield(TimeSpan.FromHours(1), Cancel);
        Assert.False(yields.IsCompleted);
        await answering.Yield(TimeSpan.FromMilliseconds(30), Cancel); // A line goes on all the same after so long.
        Assert.Contains("[DONE]", await live.Content.ReadAsStringAsync(Cancel));
        await yields;
        JsonNode batch = await client.Batch(string.Concat(Enumerable.Range(0, 100).Select(i => BatchCalls.Line($"{i}", TestService.BaseModel, tokens: 30))));
        while ((int)(await client.Get($"/v1/batches/{batch["id"]}"))["request_counts"]!["completed"]! == 0) await Task.Delay(5, Cancel);
        Assert.Contains((string)(await client.Get($"/v1/batches/{batch["id"]}"))["status"]!, new[] { "in_progress", "finalizing" });
        await answering.Yield(TimeSpan.FromHours(1), Cancel);
        await client.Post($"/v1/batches/{batch["id"]}/cancel", new { });
        await client.BatchEnded(batch);
    }

    [Fact]
    public async Task Batches_OfAnotherTenant_DoNotExist()
    {
        HttpClient client = await Client(), other = await Client();
        JsonNode batch = await client.BatchEnded(await client.Batch(BatchCalls.Line("1", TestService.BaseModel)));
        await other.GetAsync($"/v1/batches/{batch["id"]}", Cancel).Error(HttpStatusCode.NotFound);
        await other.PostAsync($"/v1/batches/{batch["id"]}/cancel", null, Cancel).Error(HttpStatusCode.NotFound);
        Assert.Empty((await other.Get("/v1/batches"))["data"]!.AsArray());
        Assert.Single((await client.Get("/v1/batches"))["data"]!.AsArray());
    }

    private static string Text(JsonNode line) => (string)line["response"]!["body"]!["choices"]![0]!["message"]!["content"]!;

    private async Task<HttpClient> Client() => service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
}
