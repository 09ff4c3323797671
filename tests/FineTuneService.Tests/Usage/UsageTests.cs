using System.Net;
using System.Text.Json.Nodes;
using FineTuneService.Tests.Batches;
using FineTuneService.Tests.FineTuningJobs;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace FineTuneService.Tests.Usage;

/// <summary>What is counted is what the answers and jobs themselves tell.</summary>
public sealed class UsageTests(TestService service) : IClassFixture<TestService>
{
    private const string Base = TestService.BaseModel;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Usage_ChatsBatchAndJobOfTwoKeys_AreCountedByModelAndKey()
    {
        string tenant = $"t{Guid.NewGuid():n}";
        HttpClient client = service.With(await service.NewTenant(tenant));
        JsonNode other = await service.Admin.Post("/v1/api_keys", new { tenant, name = "other" });
        HttpClient second = service.With((string)other["key"]!);
        string adapter = (string)(await client.UploadAdapter(seed: 3))["model"]!;
        await client.Post("/v1/aliases", new { name = "alias", target = adapter });
        JsonNode[] answers =
        [
            await client.Post("/v1/chat/completions", MadeAdapter.Question(Base, 5, "Repeat: red stone", 0)),
            await client.Post("/v1/completions", new { model = "alias", prompt = new[] { "The", "A" }, max_tokens = 3 }),
            await second.Post("/v1/chat/completions", MadeAdapter.Question(Base, 4, "Repeat: a", 0)),
        ];
        JsonNode batch = await second.BatchEnded(await second.Batch(BatchCalls.Line("1", Base)));
        JsonNode job = await client.Ended(await client.Train(await client.Upload(JobCalls.Rows(8)), new { max_steps = 2 }));

        JsonNode usage = await client.Get("/v1/usage");
        JsonNode[] rows = [.. usage["data"]!.AsArray().Select(row => row!)];
        string today = DateTime.UtcNow.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);
        Assert.All(rows, row => Assert.Equal((tenant, today), ((string)row["tenant"]!, (string)row["day"]!)));
        Assert.Equal(2, rows.Select(row => (string)row["key"]!).Distinct().Count());
        JsonNode Row(string model, bool isSecond) => Assert.Single(rows, row => (string)row["model"]! == model && (string)row["key"]! == (string)other["id"]! == isSecond);
        Assert.Equal(Told(answers[0]), Counted(Row(Base, false)));
        Assert.Equal(Told(answers[1]), Counted(Row(adapter, false)));
        (long prompt, long completion) = Told(answers[2]);
        Assert.Equal((prompt + (long)batch["usage"]!["input_tokens"]!, completion + (long)batch["usage"]!["output_tokens"]!), Counted(Row(Base, true)));
        Assert.Equal((2, (long)job["trained_tokens"]!), ((int)Row(Base, true)["requests"]!, (long)Row(Base, false)["trained_tokens"]!));
        Assert.Equal((rows.Sum(row => (long)row["prompt_tokens"]!), 4), ((long)usage["total"]!["prompt_tokens"]!, (int)usage["total"]!["requests"]!));
        long stored = (long)Assert.Single(usage["stored"]!.AsArray())!["bytes"]!;
        Assert.InRange(stored, (await client.Get("/v1/adapters"))["data"]!.AsArray().Sum(one => (long)one!["bytes"]!), 10_000_000);

        JsonNode byModel = await client.Get("/v1/usage?group_by=model");
        Assert.Equal([adapter, Base], byModel["data"]!.AsArray().Select(row => (string)row!["model"]!));
        Assert.All(byModel["data"]!.AsArray(), row => Assert.True(row!["key"] is null && row["day"] is null));
        Assert.Equal(usage["total"]!.ToJsonString(), byModel["total"]!.ToJsonString());
        Assert.Equal(usage["total"]!.ToJsonString(), (await service.Admin.Get($"/v1/usage?tenant={tenant}"))["total"]!.ToJsonString());
        Assert.Empty((await client.Get("/v1/usage?from=2001-01-01&to=2001-12-31"))["data"]!.AsArray());
    }

    [Fact]
    public async Task Usage_JobsThatAreCancelledPausedAndFail_HasEachOfTheirStepsOnce()
    {
        HttpClient client = service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
        string file = await client.Upload(JobCalls.Rows(20));
        string cancelled = await client.Train(file, new { max_steps = 5000, batch_size = 2, eval_every = 0, save_every = 4 });
        await client.WaitForStep(cancelled, 3);
        await client.Post($"/v1/fine_tuning/jobs/{cancelled}/pause", new { });
        await client.Post($"/v1/fine_tuning/jobs/{cancelled}/resume", new { });
        await client.WaitForStep(cancelled, 12);
        await client.Post($"/v1/fine_tuning/jobs/{cancelled}/cancel", new { });
        string failed = (string)(await client.Post("/v1/fine_tuning/jobs", new
        {
            model = Base,
            training_file = file,
            lora = new { alpha = 64 },
            training = new { learning_rate = 10, weight_decay = 1, lr_scheduler = "constant", max_steps = 200, batch_size = 2 },
        }))["id"]!;
        Assert.Equal(("cancelled", "failed"), ((string?)(await client.Ended(cancelled))["status"], (string?)(await client.Ended(failed))["status"]));
        long told = await Steps(client, cancelled) + await Steps(client, failed);
        Assert.True(told > 0);
        Assert.Equal(told, await Trained(client));
        JsonNode repeated = await client.Ended((string)(await client.Post("/v1/fine_tuning/jobs", new { model = Base, training_file = file, repeats = 2, training = new { max_steps = 2 } }))["id"]!);
        Assert.Equal(told + (long)repeated["trained_tokens"]!, await Trained(client));

        static async Task<long> Steps(HttpClient client, string job) =>
            (await client.AllEvents(job)).Where(told => told["data"]?["tokens"] is not null).DistinctBy(told => (int)told["data"]!["step"]!).Sum(told => (long)told["data"]!["tokens"]!);
    }

    [Fact]
    public async Task Usage_EvaluationsOfFilesTasksAndAnswers_AreCountedByModelAndKeyBesideRequests()
    {
        HttpClient client = service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
        string adapter = (string)(await client.UploadAdapter(seed: 3))["model"]!, prompt = "Repeat: red stone";
        JsonNode asked = await client.Post("/v1/evaluations", new { models = new[] { Base, adapter }, generate = new { prompts = new[] { prompt }, max_tokens = 5 } });
        int read = (int)(await client.Post("/v1/tokenize", new { model = Base, messages = new[] { new { role = "user", content = prompt } } }))["count"]!;
        JsonNode[] rows = [.. (await client.Get("/v1/usage"))["data"]!.AsArray().Select(row => row!)];
        Assert.Equal(2, rows.Length);
        foreach (JsonNode? result in asked["results"]!.AsArray())
        {
            JsonNode row = Assert.Single(rows, row => (string?)row["model"] == (string?)result!["model"]);
            Assert.Equal((read + (long)result!["generated"]!["tokens"]!, 0, 0), ((long)row["evaluated_tokens"]!, (int)row["requests"]!, (long)row["prompt_tokens"]!));
        }
        Assert.NotNull((await client.Get("/v1/adapters"))["data"]!.AsArray().Single()!["last_used_at"]);

        long before = await Evaluated(client);
        string file = await client.Upload("{\"prompt\": \"Repeat: a\", \"completion\": \" a\"}\n{\"prompt\": \"Repeat: b\", \"completion\": \" b\"}\n");
        await client.Post("/v1/evaluations", new { models = new[] { Base }, file });
        long once = await Evaluated(client) - before;
        Assert.InRange(once, 6, 100);
        await client.Post("/v1/evaluations", new { models = new[] { Base }, file });
        Assert.Equal(before + 2 * once, await Evaluated(client));
    }

    private static async Task<long> Trained(HttpClient client) => (long)(await client.Get("/v1/usage"))["total"]!["trained_tokens"]!;

    private static async Task<long> Evaluated(HttpClient client) => (long)(await client.Get("/v1/usage"))["total"]!["evaluated_tokens"]!;

    [Fact]
    public async Task Usage_OfAnotherTenant_IsNotSeenAndTheAdminSeesAll()
    {
        string[] ids = [$"t{Guid.NewGuid():n}", $"t{Guid.NewGuid():n}"];
        HttpClient[] clients = [.. await Task.WhenAll(ids.Select(async id => service.With(await service.NewTenant(id))))];
        foreach (HttpClient client in clients) await client.Chat(Base, 2);
        Assert.All((await clients[0].Get("/v1/usage"))["data"]!.AsArray(), row => Assert.Equal(ids[0], (string)row!["tenant"]!));
        await clients[0].GetAsync($"/v1/usage?tenant={ids[1]}", Cancel).Error(HttpStatusCode.NotFound);
        Assert.Superset(ids.ToHashSet(), (await service.Admin.Get("/v1/usage?group_by="))["data"]!.AsArray().Select(row => (string)row!["tenant"]!).ToHashSet());
        await service.Admin.GetAsync("/v1/usage?tenant=none-such", Cancel).Error(HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData("from=yesterday", "from")]
    [InlineData("to=2026-13-01", "to")]
    [InlineData("from=2026-01-02&to=2026-01-01", "from")]
    [InlineData("from=2020-01-01&to=2026-01-01", "from")]
    [InlineData("group_by=day,colour", "group_by")]
    public async Task Usage_QueryThatCannotBe_IsRefusedByName(string query, string param) =>
        Assert.Equal(param, (string?)(await service.Admin.GetAsync($"/v1/usage?{query}", Cancel).Error(HttpStatusCode.BadRequest))["param"]);

    [Fact]
    public async Task Usage_ServiceStoppedRightBehindAnAnswer_IsOnTheDisk()
    {
        using var stopped = new TestService();
        HttpClient client = stopped.With(await stopped.NewTenant("acme"));
        JsonNode answer = await client.Post("/v1/chat/completions", MadeAdapter.Question(Base, 5, "Repeat: red stone", 0));
        var lifetime = stopped.Services.GetRequiredService<IHostApplicationLifetime>();
        var ended = new TaskCompletionSource();
        lifetime.ApplicationStopped.Register(ended.SetResult);
        lifetime.StopApplication();
        await ended.Task;
        using var database = new SqliteConnection($"Data Source={Path.Combine(stopped.Data, "finetune.db")};Mode=ReadOnly;Pooling=False");
        database.Open();
        using SqliteCommand read = database.CreateCommand();
        read.CommandText = "SELECT \"PromptTokens\", \"CompletionTokens\" FROM usage_days";
        using SqliteDataReader rows = read.ExecuteReader();
        Assert.True(rows.Read());
        Assert.Equal(Told(answer), (rows.GetInt64(0), rows.GetInt64(1)));
    }

    private static (long, long) Told(JsonNode answer) => ((long)answer["usage"]!["prompt_tokens"]!, (long)answer["usage"]!["completion_tokens"]!);

    private static (long, long) Counted(JsonNode row) => ((long)row["prompt_tokens"]!, (long)row["completion_tokens"]!);
}
