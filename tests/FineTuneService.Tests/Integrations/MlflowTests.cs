using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using FineTuneService.Integrations;
using FineTuneService.Tests.FineTuningJobs;

namespace FineTuneService.Tests.Integrations;

/// <summary>Jobs that are told to an MLflow server, which is up, down, slow, or says no: the job itself is as without.</summary>
[Waits]
public sealed class MlflowTests(MlflowTests.Fixture fixture) : IClassFixture<MlflowTests.Fixture>
{
    private const string Jobs = "/v1/fine_tuning/jobs", Mark = "🟢";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>A tracking server that asks for its user, and a service that knows it.</summary>
    public sealed class Fixture : IDisposable
    {
        internal MlflowServer Mlflow { get; }

        public TestService Service { get; }

        public Fixture()
        {
            Mlflow = new MlflowServer(user: "trainer:secret:admin");
            Service = new() { Options = new Dictionary<string, string> { ["Mlflow:TrackingUri"] = Mlflow.Address + "/", ["Mlflow:User"] = "trainer", ["Mlflow:Password"] = "secret", ["Mlflow:Token"] = "not-sent" } };
        }

        public void Dispose()
        {
            Service.Dispose();
            Mlflow.Dispose();
        }
    }

    [Fact]
    public async Task Job_WithARun_IsThereWithItsParametersTagsAndEveryNumber()
    {
        HttpClient client = await Tenant("whole");
        JsonNode made = await client.Post(Jobs, new
        {
            model = TestService.BaseModel,
            training_file = await client.Upload(JobCalls.Rows(16)),
            seed = 5,
            metadata = new Dictionary<string, string> { ["team#1"] = "support" },
            dataset = new { validation_split = 0.25 },
            training = new { epochs = 2, batch_size = 4, eval_every = 2 },
            integrations = new[] { new { type = "mlflow", mlflow = new { experiment = "support bots/nightly", run_name = "first try " + Mark, tags = new Dictionary<string, string> { ["git/commit"] = "abc", ["mlflow.note.content"] = "**why**" } } } },
        });
        Assert.Equal("pending", (string?)made.Run()["status"]);
        string id = (string)made["id"]!;
        JsonNode job = await client.Sent(id);
        Assert.True(("succeeded", "sent", null) == ((string?)job["status"], (string?)job.Run()["status"], (string?)job.Run()["error"]), job.ToJsonString());

        JsonNode run = await fixture.Mlflow.RunOf(id);
        Assert.Equal(((string?)job.Run()["run_id"], (string?)job.Run()["experiment_id"]), ((string?)run["run_id"], (string?)run["experiment_id"]));
        Assert.Equal(("first try " + Mark, "FINISHED"), ((string?)run["run_name"], (string?)run["status"]));
        Assert.Equal(((long)job["started_at"]! * 1000, (long)job["finished_at"]! * 1000), ((long)run["start_time"]!, (long)run["end_time"]!));
        JsonNode experiment = (await fixture.Mlflow.Seen())["experiments"]!.AsArray().Single(one => (string)one!["experiment_id"]! == (string)run["experiment_id"]!)!;
        Assert.Equal("support bots/nightly", (string?)experiment["name"]);
        (string, int, double)[] told = await client.Told(id);
        Assert.Superset(new HashSet<string> { "train_loss", "eval_loss", "learning_rate", "grad_norm" }, told.Select(point => point.Item1).ToHashSet());
        Assert.Equal(told, run.Points());
        JsonNode tags = run["tags"]!, parameters = run["params"]!;
        Assert.Equal(("whole", TestService.BaseModel, "abc", "**why**", "support", (string?)job["fine_tuned_model"], "succeeded"),
            ((string?)tags["finetune.tenant"], (string?)tags["finetune.model"], (string?)tags["git/commit"], (string?)tags["mlflow.note.content"], (string?)tags["metadata.team_1"], (string?)tags["finetune.fine_tuned_model"], (string?)tags["finetune.status"]));
        Assert.Equal(("4", "2", "5", (string?)job["training_file"]), ((string?)parameters["batch_size"], (string?)parameters["epochs"], (string?)parameters["seed"], (string?)parameters["training_file"]));
        Assert.Equal((job["settings"]!["learning_rate"]!.ToJsonString(), job["settings"]!["lora"]!["rank"]!.ToJsonString()), ((string?)parameters["learning_rate"], (string?)parameters["lora.rank"]));
        await fixture.Mlflow.LostNothing();
    }

    [Fact]
    public async Task Jobs_ThatFailAndAreCancelled_EndTheirRunsAsFailedAndKilled()
    {
        HttpClient client = await Tenant("ends");
        string failed = await Train(client, "{broken\n", 1), cancelled = await Train(client, JobCalls.Rows(64), 2000);
        await client.WaitForStep(cancelled, 2);
        await client.Post($"{Jobs}/{cancelled}/cancel", new { });
        foreach ((string job, string status, string end) in new[] { (failed, "failed", "FAILED"), (cancelled, "cancelled", "KILLED") })
        {
            JsonNode ended = await client.Sent(job);
            JsonNode run = await fixture.Mlflow.RunOf(job);
            Assert.Equal((status, end, (string?)ended["error"]?["code"]), ((string?)ended["status"], (string?)run["status"], (string?)run["tags"]!["finetune.error"]));
            Assert.Equal(await client.Told(job), run.Points());
        }
        await fixture.Mlflow.LostNothing();
    }

    [Theory]
    [InlineData("""{"status": 500, "times": 4, "path": "runs/log-batch"}""")]
    [InlineData("""{"close": true, "times": 4, "path": "runs/"}""")]
    [InlineData("""{"status": 503, "times": 1, "path": "runs/create", "retry_after": 1}""")]
    [InlineData("""{"status": 403, "times": 1, "path": "experiments/get-by-name"}""")]
    public async Task Job_ServerFailsForAWhile_HasOneWholeRunAfterwards(string how)
    {
        HttpClient client = await Tenant($"t{Guid.NewGuid():n}");
        await fixture.Mlflow.Fail(JsonNode.Parse(how)!);
        string job = await Train(client, JobCalls.Rows(8), 3);
        JsonNode sent = await client.Sent(job);
        Assert.Equal(("succeeded", "sent", null), ((string?)sent["status"], (string?)sent.Run()["status"], (string?)sent.Run()["error"]));
        Assert.Equal(await client.Told(job), (await fixture.Mlflow.RunOf(job)).Points());
        await fixture.Mlflow.LostNothing();
    }

    [Fact]
    public async Task Job_WhoseRunIsDeletedThere_EndsAsEverWithAWarning()
    {
        HttpClient client = await Tenant("deleted");
        string job = await Train(client, JobCalls.Rows(64), 60);
        JsonNode body = await client.Get($"{Jobs}/{job}");
        while (body.Run()["run_id"] is null) body = await client.Get($"{Jobs}/{job}");
        using var mlflow = new HttpClient { DefaultRequestHeaders = { { "Authorization", "Basic " + Convert.ToBase64String("trainer:secret"u8) } } };
        using var gone = new StringContent($$"""{"run_id": {{body.Run()["run_id"]!.ToJsonString()}}}""", System.Text.Encoding.UTF8, new System.Net.Http.Headers.MediaTypeHeaderValue("application/json"));
        (await mlflow.PostAsync($"{fixture.Mlflow.Address}/api/2.0/mlflow/runs/delete", gone, Cancel)).EnsureSuccessStatusCode();
        JsonNode sent = await client.Sent(job), ended = await client.Ended(job);
        Assert.Equal(("succeeded", "failed"), ((string?)ended["status"], (string?)sent.Run()["status"]));
        Assert.Contains(ended["warnings"]!.AsArray(), warning => ((string)warning!).Contains("MLflow", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Job_ServerIsNotThere_TrainsAsEverAndIsToldLater()
    {
        string address;
        using (var gone = new MlflowServer()) address = gone.Address;
        using var service = new TestService { Options = new Dictionary<string, string> { ["Mlflow:TrackingUri"] = address, ["Mlflow:Token"] = "a-token" } };
        HttpClient client = service.With(await service.NewTenant("acme"));
        string job = await Train(client, JobCalls.Rows(8), 3);
        JsonNode ended = await client.Ended(job);
        while (ended.Run()["error"] is null) ended = await client.Get($"{Jobs}/{job}");
        Assert.Equal(("succeeded", "pending"), ((string?)ended["status"], (string?)ended.Run()["status"]));
        Assert.DoesNotContain("127.0.0.1", ended.ToJsonString());
        using var back = new MlflowServer(new Uri(address).Port);
        await client.Sent(job);
        Assert.Equal(await client.Told(job), (await back.RunOf(job)).Points());
        Assert.All((await back.Seen())["requests"]!.AsArray(), request => Assert.Equal("Bearer a-token", (string?)request!["headers"]!["Authorization"]));
        await back.LostNothing();
    }

    [Theory]
    [InlineData("""[{"type": "wandb", "wandb": {"project": "p"}}]""", "integrations[0].wandb")]
    [InlineData("""[{"type": "comet"}]""", "integrations[0].type")]
    [InlineData("""[{"mlflow": {}}]""", "integrations[0].type")]
    [InlineData("""[{"type": "mlflow"}, {"type": "mlflow"}]""", "integrations")]
    [InlineData("""[{"type": "mlflow", "mlflow": {"experiment": " "}}]""", "integrations[0].mlflow.experiment")]
    [InlineData("""[{"type": "mlflow", "mlflow": {"run_name": ""}}]""", "integrations[0].mlflow.run_name")]
    [InlineData("""[{"type": "mlflow", "mlflow": {"tags": {"a@b": "c"}}}]""", "integrations[0].mlflow.tags")]
    [InlineData("""[{"type": "mlflow", "mlflow": {"tags": {"a//b": "c"}}}]""", "integrations[0].mlflow.tags")]
    [InlineData("""[{"type": "mlflow", "mlflow": {"tags": {"finetune.tenant": "other"}}}]""", "integrations[0].mlflow.tags")]
    [InlineData("""[{"type": "mlflow", "mlflow": {"tags": {"a": null}}}]""", "integrations[0].mlflow.tags")]
    [InlineData("""[{"type": "mlflow", "mlflow": {"entity": "e"}}]""", "integrations[0].mlflow.entity")]
    public async Task Create_IntegrationThatCannotBe_Is400ThatNamesIt(string integrations, string param)
    {
        HttpClient client = await Tenant($"t{Guid.NewGuid():n}");
        var body = new JsonObject { ["model"] = TestService.BaseModel, ["training_file"] = "file-none", ["integrations"] = JsonNode.Parse(integrations) };
        JsonNode error = await client.PostAsync(Jobs, JsonContent.Create(body), Cancel).Error(HttpStatusCode.BadRequest);
        Assert.StartsWith(param, (string)error["param"]!);
    }

    [Fact]
    public async Task Create_WithoutATrackingServer_SaysWhatToConfigure()
    {
        using var service = new TestService();
        HttpClient client = service.With(await service.NewTenant("acme"));
        string file = await client.Upload(JobCalls.Rows(8));
        JsonNode error = await client.PostAsJsonAsync(Jobs, new { model = TestService.BaseModel, training_file = file, integrations = new[] { new { type = "mlflow" } } }, Cancel).Error(HttpStatusCode.BadRequest);
        Assert.Equal(("integration_not_configured", "integrations[0]"), ((string?)error["code"], (string?)error["param"]));
        Assert.Contains("FineTune:Mlflow:TrackingUri", (string)error["message"]!);
    }

    [Theory]
    [InlineData("lora.rank", "lora.rank")]
    [InlineData("columns.a/b#c@d", "columns.a_b_c_d")]
    [InlineData("größe", "größe")]
    [InlineData("..", "_..")]
    public void Key_OfAnyName_IsOneThatMlflowTakes(string name, string expected)
    {
        Assert.Equal(expected, MlflowKeys.Key(name));
        Assert.True(MlflowKeys.IsKey(MlflowKeys.Key(name)) && MlflowKeys.IsKey(MlflowKeys.Key(new string('#', 300) + name)));
    }

    [Fact]
    public void Cut_InTheMiddleOfACharacter_LeavesItOut()
    {
        Assert.Equal("ab", MlflowKeys.Cut("ab" + Mark, 3));
        Assert.Equal("ab" + Mark, MlflowKeys.Cut("ab" + Mark, 4));
    }

    private async Task<HttpClient> Tenant(string id) => fixture.Service.With(await fixture.Service.NewTenant(id));

    private static async Task<string> Train(HttpClient client, string rows, int steps) => (string)(await client.Post(Jobs, new
    {
        model = TestService.BaseModel,
        training_file = await client.Upload(rows),
        seed = 5,
        training = new { max_steps = steps, batch_size = 4 },
        integrations = new[] { new { type = "mlflow" } },
    }))["id"]!;
}
