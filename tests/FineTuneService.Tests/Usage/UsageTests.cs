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
