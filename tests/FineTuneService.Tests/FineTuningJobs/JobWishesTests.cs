using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace FineTuneService.Tests.FineTuningJobs;

/// <summary>Pause, resume, stop, go on from, prefer and delete: what a client may ask of a job.</summary>
public sealed class JobWishesTests(TestService service) : IClassFixture<TestService>
{
    private const string Jobs = "/v1/fine_tuning/jobs";
    private static readonly object Long = new { max_steps = 5000, batch_size = 2, save_every = 2500, eval_every = 0 };

    [Fact]
    public async Task Pause_RunningJob_RestsAndResumesToTheSameAdapter()
    {
        HttpClient client = service.With(await service.NewTenant("pauses"));
        string file = await client.Upload(JobCalls.Rows(20));
        object training = new { max_steps = 120, batch_size = 2, save_every = 0, eval_every = 0 };
        string undisturbed = await client.Train(file, training), job = await client.Train(file, training);
        byte[] expected = await client.Weights(undisturbed);
        await client.WaitForStep(job, 5);
        JsonNode paused = await client.Post($"{Jobs}/{job}/pause", new { });
        Assert.Equal("paused", (string?)paused["status"]);
        Assert.InRange((int)paused["progress"]!["step"]!, 5, 119);
        await client.PostAsync($"{Jobs}/{job}/pause", null).Error(HttpStatusCode.Conflict);
        // A paused job gives the device to the next.
        Assert.Equal("succeeded", (string?)(await client.Ended(await client.Train(file, new { max_steps = 1 })))["status"]);
        await client.Post($"{Jobs}/{job}/resume", new { });
        Assert.Equal(expected, await client.Weights(job));
        await client.PostAsync($"{Jobs}/{job}/resume", null).Error(HttpStatusCode.Conflict);
    }

    [Fact]
    public async Task Stop_RunningJob_KeepsWhatItHasLearned()
    {
        HttpClient client = service.With(await service.NewTenant("stops"));
        string job = await client.Train(await client.Upload(JobCalls.Rows(20)), Long);
        await client.WaitForStep(job, 3);
        JsonNode stopped = await client.Post($"{Jobs}/{job}/stop", new { });
        Assert.Equal("succeeded", (string?)stopped["status"]);
        JsonNode adapter = (await client.Get("/v1/adapters"))["data"]!.AsArray().Single()!;
        Assert.Equal((string?)stopped["fine_tuned_model"], (string?)adapter["model"]);
        Assert.InRange((int)adapter["lineage"]!["step"]!, 3, 4999);
        await client.PostAsync($"{Jobs}/{job}/stop", null).Error(HttpStatusCode.Conflict);
    }

    [Fact]
    public async Task Stop_RunningJob_IsReproducedToTheSameBytes()
    {
        HttpClient client = service.With(await service.NewTenant("stops-again"));
        string job = await client.Train(await client.Upload(JobCalls.Rows(20)), new { max_steps = 5000, batch_size = 2 });
        await client.WaitForStep(job, 3);
        await client.Post($"{Jobs}/{job}/stop", new { });
        Assert.True((bool)(await client.Post($"{Jobs}/{job}/reproduce", new { }))["equal"]!);
    }

    [Fact]
    public async Task Run_MaxRuntimeOver_EndsWithWhatItHasLearned()
    {
        HttpClient client = service.With(await service.NewTenant("max-runtime"));
        string file = await client.Upload(JobCalls.Rows(20));
        JsonNode ended = await client.Ended(await client.Train(file, new { max_steps = 100_000, batch_size = 2, max_runtime = 1 }));
        Assert.Equal("succeeded", (string?)ended["status"]);
        Assert.InRange((int)ended["progress"]!["step"]!, 1, 99_999);
        Assert.Contains((await client.AllEvents((string)ended["id"]!)).Select(told => (string)told["message"]!), message => message.Contains("after its max_runtime of 1 s", StringComparison.Ordinal));
        await client.PostAsJsonAsync(Jobs, new { model = TestService.BaseModel, training_file = file, training = new { max_runtime = 0 } }).Error(HttpStatusCode.BadRequest);
        await client.PostAsJsonAsync(Jobs, new { model = TestService.BaseModel, training_file = file, training = new { max_runtime = 1 }, repeats = 2 }).Error(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Stop_PausedJob_KeepsWhatItHadLearned()
    {
        HttpClient client = service.With(await service.NewTenant("stops-paused"));
        string job = await client.Train(await client.Upload(JobCalls.Rows(20)), Long);
        await client.WaitForStep(job, 3);
        int step = (int)(await client.Post($"{Jobs}/{job}/pause", new { }))["progress"]!["step"]!;
        Assert.Equal("succeeded", (string?)(await client.Post($"{Jobs}/{job}/stop", new { }))["status"]);
        Assert.Equal(step, (int)(await client.Get("/v1/adapters"))["data"]!.AsArray().Single()!["lineage"]!["step"]!);
    }

    [Fact]
    public async Task Checkpoints_OfAJob_AreModelsTheNewestThreeAndAJobGoesOnFromOne()
    {
        HttpClient client = service.With(await service.NewTenant("checkpoints"));
        string file = await client.Upload(JobCalls.Rows(20));
        string job = await client.Train(file, new { max_steps = 8, batch_size = 2, save_every = 2 });
        JsonNode ended = await client.Ended(job);
        JsonArray checkpoints = (await client.Get($"{Jobs}/{job}/checkpoints"))["data"]!.AsArray();
        Assert.Equal([8, 6, 4], checkpoints.Select(checkpoint => (int)checkpoint!["step_number"]!));
        string name = (string)checkpoints[2]!["fine_tuned_model_checkpoint"]!;
        Assert.EndsWith(":ckpt-step-4", name);
        Assert.Equal("checkpoint", (string?)(await client.Get($"/v1/models/{name}"))["kind"]);
        Assert.NotNull((await client.Post("/v1/completions", new { model = name, prompt = "count", max_tokens = 2 }))["choices"]);
        Assert.Single((await client.Get("/v1/adapters"))["data"]!.AsArray());

        // From a checkpoint by its id, and from the adapter by its name: at a rate of next to nothing they stay as they are.
        var training = new { max_steps = 1, learning_rate = 1e-12, warmup = 0 };
        foreach ((string from, string whose) in new[] { ((string)checkpoints[2]!["id"]!, name), ((string)ended["fine_tuned_model"]!, (string)ended["fine_tuned_model"]!) })
        {
            JsonNode next = await client.Post(Jobs, new { model = TestService.BaseModel, training_file = file, init_from = from, training });
            Assert.Equal(whose, (string?)next["settings"]!["init_from"]!["model"]);
            JsonNode done = await client.Ended((string)next["id"]!);
            Assert.True((string?)done["status"] == "succeeded", done.ToJsonString());
            Assert.Equal(await Answer(client, whose), await Answer(client, (string)done["fine_tuned_model"]!));
        }
        // OpenAI's way: the fine-tuned model as model, whose base the job's model then is.
        JsonNode onwards = await client.Post(Jobs, new { model = name, training_file = file, training });
        Assert.Equal((TestService.BaseModel, name), ((string?)onwards["model"], (string?)onwards["settings"]!["init_from"]!["model"]));
        string tuned = (string)ended["fine_tuned_model"]!, adapter = (string)(await client.Get("/v1/adapters?order=asc"))["data"]![0]!["id"]!;
        Assert.Equal(tuned, (string?)(await client.Post("/v1/completions", new { model = adapter, prompt = "count", max_tokens = 1 }))["model"]);
        var cancel = TestContext.Current.CancellationToken;
        Assert.Contains($"'{TestService.BaseModel}'", (string)(await client.PostAsJsonAsync("/v1/completions", new { model = "other", adapter_id = adapter, prompt = "a" }, cancel).Error(HttpStatusCode.NotFound))["message"]!);
        Assert.Equal("adapter_id", (string?)(await client.PostAsJsonAsync("/v1/completions", new { model = TestService.BaseModel, adapter_id = "ad-none", prompt = "a" }, cancel).Error(HttpStatusCode.NotFound))["param"]);
        await client.PostAsJsonAsync(Jobs, new { model = TestService.BaseModel, training_file = file, init_from = name, lora = new { rank = 2 } }, TestContext.Current.CancellationToken).Error(HttpStatusCode.BadRequest);
        await client.PostAsJsonAsync(Jobs, new { model = TestService.BaseModel, training_file = file, init_from = "nobody's" }, TestContext.Current.CancellationToken).Error(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Metrics_OfAJob_AreColumnsBucketsAndAFile()
    {
        HttpClient client = service.With(await service.NewTenant("metrics"));
        string job = await client.Train(await client.Upload(JobCalls.Rows(20)), new { max_steps = 8, batch_size = 2, eval_every = 4 }, await client.Upload(JobCalls.Rows(3)));
        JsonNode ended = await client.Ended(job);
        JsonNode raw = await client.Get($"{Jobs}/{job}/metrics?keys=train_loss,valid_loss");
        Assert.True((bool)raw["raw"]!);
        Assert.Equal(["train_loss", "valid_loss"], raw["columns"]!.AsObject().Select(column => column.Key).Order());
        double[] losses = Numbers(raw["columns"]!["train_loss"]!["last"]!);
        Assert.Equal(Enumerable.Range(1, 8), raw["columns"]!["train_loss"]!["step"]!.AsArray().Select(step => (int)step!));
        JsonNode bucketed = (await client.Get($"{Jobs}/{job}/metrics?keys=train_loss&from=1&buckets=2"))["columns"]!["train_loss"]!;
        Assert.Equal([losses[..4].Min(), losses[4..].Min()], Numbers(bucketed["min"]!));
        Assert.Equal([losses[..4].Max(), losses[4..].Max()], Numbers(bucketed["max"]!));
        Assert.Equal([losses[3], losses[7]], Numbers(bucketed["last"]!));

        string[] csv = (await client.GetStringAsync($"/v1/files/{ended["result_files"]![0]}/content")).TrimEnd('\n').Split('\n');
        Assert.StartsWith("step,train_loss,valid_loss,", csv[0]);
        Assert.Equal(losses, csv[1..].Select(line => line.Split(',')).Where(cells => cells[1].Length > 0).Select(cells => double.Parse(cells[1], System.Globalization.CultureInfo.InvariantCulture)));
        await client.GetAsync($"{Jobs}/{job}/metrics?buckets=0").Error(HttpStatusCode.BadRequest);
        await client.GetAsync($"{Jobs}/nothing/metrics").Error(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Queue_PriorityAndDeletion_OrderATenantsOwnJobsAndEndThem()
    {
        HttpClient client = service.With(await service.NewTenant("prefers"));
        string file = await client.Upload(JobCalls.Rows(10));
        string running = await client.Train(file, Long);
        await client.WaitForStep(running, 1);
        Assert.True((long)(await client.Get($"{Jobs}/{running}"))["estimated_finish"]! > 0);
        string late = await client.Train(file, new { max_steps = 1 });
        string urgent = (string)(await client.Post(Jobs, new { model = TestService.BaseModel, training_file = file, priority = 5, training = new { max_steps = 1 } }))["id"]!;
        while (await Status(late) != "queued" || await Status(urgent) != "queued") await Task.Delay(20, TestContext.Current.CancellationToken);
        Assert.Equal((1, 2), ((int)(await client.Get($"{Jobs}/{urgent}"))["queue_position"]!, (int)(await client.Get($"{Jobs}/{late}"))["queue_position"]!));
        await client.DeleteAsync($"{Jobs}/{running}").Error(HttpStatusCode.Conflict);
        Assert.Equal("cancelled", (string?)(await client.Post($"{Jobs}/{running}/cancel", new { }))["status"]);
        JsonNode first = await client.Ended(urgent), second = await client.Ended(late);
        Assert.True((long)first["started_at"]! <= (long)second["started_at"]!);
        Assert.Empty((await client.Get($"{Jobs}/{running}/checkpoints"))["data"]!.AsArray());
        Assert.True((await client.DeleteAsync($"{Jobs}/{urgent}", TestContext.Current.CancellationToken)).IsSuccessStatusCode);
        await client.GetAsync($"{Jobs}/{urgent}").Error(HttpStatusCode.NotFound);
        Assert.NotNull((await client.Get($"/v1/models/{first["fine_tuned_model"]}"))["id"]);

        async Task<string> Status(string job) => (string)(await client.Get($"{Jobs}/{job}"))["status"]!;
    }

    private static double[] Numbers(JsonNode array) => [.. array.AsArray().Select(number => (double)number!)];

    private static async Task<string> Answer(HttpClient client, string model) =>
        (string)(await client.Post("/v1/completions", new { model, prompt = "count from 3", max_tokens = 12, temperature = 0 }))["choices"]![0]!["text"]!;
}
