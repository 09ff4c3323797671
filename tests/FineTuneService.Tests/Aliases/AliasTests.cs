using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using FineTuneService.Tests.Batches;

namespace FineTuneService.Tests.Aliases;

/// <summary>Names that stay while the model behind them is another.</summary>
public sealed class AliasTests(TestService service) : IClassFixture<TestService>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Alias_MovedAndTakenBack_AnswersAsWhatItNames()
    {
        HttpClient client = await Client();
        string[] models = [await Adapter(client, 1), await Adapter(client, 2), await Adapter(client, 3)];
        string[] texts = [.. await Task.WhenAll(models.Select(model => client.Chat(model)))];
        Assert.Equal(3, texts.Distinct().Count());
        JsonNode alias = await client.Post("/v1/aliases", new { name = "prod", target = models[0] });
        Assert.Equal(("prod", models[0], 1), ((string)alias["name"]!, (string)alias["target"]!, (int)alias["version"]!));
        Assert.Equal(texts[0], await client.Chat("prod"));
        for (int i = 1; i < 3; i++)
        {
            Assert.Equal(i + 1, (int)(await client.Post("/v1/aliases/prod", new { target = models[i], if_current = models[i - 1] }))["version"]!);
            Assert.Equal(texts[i], await client.Chat("prod"));
        }
        JsonNode answer = await client.Post("/v1/chat/completions", MadeAdapter.Question("prod", 2, "a", 0));
        Assert.Equal(models[2], (string)answer["model"]!);
        // Twice back, and then on: what was taken back is not come to again.
        foreach (int i in new[] { 1, 0 }) Assert.Equal(models[i], (string)(await client.Post("/v1/aliases/prod/rollback", new { }))["target"]!);
        Assert.Equal("nothing_to_roll_back", (string?)(await client.PostAsJsonAsync("/v1/aliases/prod/rollback", new { }, Cancel).Error(HttpStatusCode.Conflict))["code"]);
        Assert.Equal(texts[0], await client.Chat("prod"));
        await client.Post("/v1/aliases/prod", new { target = models[2] });
        JsonNode now = await client.Get("/v1/aliases/prod");
        Assert.Equal([4, 3, 2, 1], now["history"]!.AsArray().Select(move => (int)move!["version"]!));
        Assert.Equal([false, true, true, false], now["history"]!.AsArray().Select(move => move!["rolled_back_at"] is not null));
        Assert.Equal(models[0], (string)(await client.Post($"/v1/aliases/{alias["id"]}/rollback", new { if_current = models[2] }))["target"]!);
    }

    [Fact]
    public async Task Alias_MovedWhileItAnswers_EndsOnTheOldOne()
    {
        HttpClient client = await Client();
        string first = await Adapter(client, 4), second = await Adapter(client, 5);
        string whole = Text(await client.Streamed(first, maxTokens: 100));
        await client.Post("/v1/aliases", new { name = "live", target = first });
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = JsonContent.Create(MadeAdapter.Question("live", 100, "Repeat: red stone", 0, stream: true)) };
        using HttpResponseMessage answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancel);
        await client.Post("/v1/aliases/live", new { target = second });
        // What is no longer named may go: what is under way keeps it.
        Assert.True((await client.DeleteAsync($"/v1/models/{first}", Cancel)).IsSuccessStatusCode);
        string[] lines = [.. (await answer.Content.ReadAsStringAsync(Cancel)).Split('\n').Where(line => line.StartsWith("data: ", StringComparison.Ordinal)).Select(line => line[6..])];
        Assert.Equal(whole, Text(lines));
        Assert.Equal(await client.Chat(second), await client.Chat("live"));
        Assert.Equal("alias_target_deleted", (string?)(await client.PostAsJsonAsync("/v1/aliases/live/rollback", new { }, Cancel).Error(HttpStatusCode.Conflict))["code"]);
    }

    [Fact]
    public async Task Move_ManyAtOnceFromTheSame_OneIsMade()
    {
        HttpClient client = await Client();
        string[] models = [.. await Task.WhenAll(Enumerable.Range(10, 6).Select(seed => Adapter(client, seed)))];
        await client.Post("/v1/aliases", new { name = "raced", target = TestService.BaseModel });
        HttpResponseMessage[] moves = await Task.WhenAll(models.Select(target => client.PostAsJsonAsync("/v1/aliases/raced", new { target, if_current = TestService.BaseModel }, Cancel)));
        HttpResponseMessage made = Assert.Single(moves, move => move.StatusCode == HttpStatusCode.OK);
        Assert.All(moves.Except([made]), move => Assert.Equal(HttpStatusCode.Conflict, move.StatusCode));
        Assert.Equal((string)JsonNode.Parse(await made.Content.ReadAsStringAsync(Cancel))!["target"]!, (string)(await client.Get("/v1/aliases/raced"))["target"]!);
        Assert.Equal("alias_moved", (string?)(await client.PostAsJsonAsync("/v1/aliases/raced/rollback", new { if_current = "x" }, Cancel).Error(HttpStatusCode.Conflict))["code"]);
    }

    [Fact]
    public async Task Delete_ModelThatAnAliasNames_Is409UntilItNamesAnother()
    {
        HttpClient client = await Client();
        JsonNode adapter = await client.UploadAdapter(seed: 20);
        string merged = (string)(await client.Post($"/v1/adapters/{adapter["id"]}/merge", new { }))["id"]!;
        await client.Post("/v1/aliases", new { name = "held", target = (string)adapter["id"]! });
        foreach (string path in new[] { $"/v1/adapters/{adapter["id"]}", $"/v1/models/{adapter["model"]}" })
            Assert.Contains("'held'", (string)(await client.DeleteAsync(path, Cancel).Error(HttpStatusCode.Conflict))["message"]!);
        await client.Post("/v1/aliases/held", new { target = merged });
        Assert.True((await client.DeleteAsync($"/v1/adapters/{adapter["id"]}", Cancel)).IsSuccessStatusCode);
        await client.DeleteAsync($"/v1/models/{merged}", Cancel).Error(HttpStatusCode.Conflict);
        Assert.True((await client.DeleteAsync("/v1/aliases/held", Cancel)).IsSuccessStatusCode);
        Assert.True((await client.DeleteAsync($"/v1/models/{merged}", Cancel)).IsSuccessStatusCode);
        await client.PostAsJsonAsync("/v1/completions", new { model = "held", prompt = "a" }, Cancel).Error(HttpStatusCode.NotFound);
        await client.DeleteAsync("/v1/aliases/held", Cancel).Error(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Alias_WhereverAModelIsNamed_IsOne()
    {
        HttpClient client = await Client();
        string model = await Adapter(client, 30);
        await client.Post("/v1/aliases", new { name = "named", target = model });
        JsonNode listed = Assert.Single((await client.Get("/v1/models"))["data"]!.AsArray(), entry => (string)entry!["id"]! == "named")!;
        Assert.Equal(("alias", model), ((string)listed["kind"]!, (string)listed["parent"]!));
        Assert.Equal(listed.ToJsonString(), (await client.Get("/v1/models/named")).ToJsonString());
        Assert.Equal("model_alias", (string?)(await client.DeleteAsync("/v1/models/named", Cancel).Error(HttpStatusCode.Conflict))["code"]);
        Assert.Equal(model, (string)(await client.Post("/v1/completions", new { model = "named", prompt = "The", max_tokens = 2 }))["model"]!);
        Assert.True((int)(await client.Post("/v1/tokenize", new { model = "named", prompt = "Good day" }))["count"]! > 0);
        JsonNode both = await client.Post("/v1/evaluations", new { models = new[] { "named", model }, file = await client.Upload(FineTuningJobs.JobCalls.Rows(3)) });
        Assert.Equal((double)both["results"]![1]!["loss"]!, (double)both["results"]![0]!["loss"]!);
        JsonNode batch = await client.BatchEnded(await client.Batch(BatchCalls.Line("1", "named")));
        Assert.Equal(await client.Chat(model, 3), (string)(await client.Lines(batch, "output_file_id")).Single()["response"]!["body"]!["choices"]![0]!["message"]!["content"]!);
    }

    [Fact]
    public async Task Create_NameThatCannotBe_IsRefused()
    {
        HttpClient client = await Client();
        await client.Post("/v1/aliases", new { name = "taken", target = TestService.BaseModel });
        foreach ((string name, string target, HttpStatusCode status, string? code) in new[]
        {
            (TestService.BaseModel, TestService.BaseModel, HttpStatusCode.Conflict, "model_exists"), ("taken", TestService.BaseModel, HttpStatusCode.Conflict, "alias_exists"),
            ("other", "none", HttpStatusCode.NotFound, "model_not_found"), ("other", "taken", HttpStatusCode.NotFound, "model_not_found"),
            ("ft:x", TestService.BaseModel, HttpStatusCode.BadRequest, "invalid_value"), ("", TestService.BaseModel, HttpStatusCode.BadRequest, "invalid_value"),
        })
            Assert.Equal(code, (string?)(await client.PostAsJsonAsync("/v1/aliases", new { name, target }, Cancel).Error(status))["code"]);
        // And the other way round: no base takes a name from its tenant.
        string folder = Path.Combine(AppContext.BaseDirectory, "BaseModel", TestService.BaseModel);
        await service.Admin.PostAsJsonAsync("/v1/models", new { id = "taken", folder }, Cancel).Error(HttpStatusCode.Conflict);
    }

    [Fact]
    public async Task Aliases_OfAnotherTenant_DoNotExist()
    {
        HttpClient client = await Client(), other = await Client();
        string model = await Adapter(client, 40);
        JsonNode alias = await client.Post("/v1/aliases", new { name = "mine", target = model });
        foreach (string id in new[] { "mine", (string)alias["id"]! })
        {
            await other.GetAsync($"/v1/aliases/{id}", Cancel).Error(HttpStatusCode.NotFound);
            await other.PostAsJsonAsync($"/v1/aliases/{id}", new { target = TestService.BaseModel }, Cancel).Error(HttpStatusCode.NotFound);
            await other.PostAsJsonAsync($"/v1/aliases/{id}/rollback", new { }, Cancel).Error(HttpStatusCode.NotFound);
            await other.DeleteAsync($"/v1/aliases/{id}", Cancel).Error(HttpStatusCode.NotFound);
        }
        await other.PostAsJsonAsync("/v1/completions", new { model = "mine", prompt = "a" }, Cancel).Error(HttpStatusCode.NotFound);
        await other.PostAsJsonAsync("/v1/aliases", new { name = "mine", target = model }, Cancel).Error(HttpStatusCode.NotFound);
        Assert.Empty((await other.Get("/v1/aliases"))["data"]!.AsArray());
        await other.Post("/v1/aliases", new { name = "mine", target = TestService.BaseModel });
        Assert.Equal(model, (string)(await client.Get("/v1/aliases/mine"))["target"]!);
    }

    private static string Text(string[] events) => string.Concat(events.Where(data => data != "[DONE]").Select(data => (string?)JsonNode.Parse(data)!["choices"]![0]!["delta"]!["content"]));

    private static async Task<string> Adapter(HttpClient client, int seed) => (string)(await client.UploadAdapter(seed))["model"]!;

    private async Task<HttpClient> Client() => service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
}
