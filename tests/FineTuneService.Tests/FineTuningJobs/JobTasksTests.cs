using System.IO.Compression;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using FineTuneService.Evaluations;
using FineTuneService.FineTuningJobs;
using FineTuneService.Tests.Evaluations;

namespace FineTuneService.Tests.FineTuningJobs;

/// <summary>A job's evaluate, before and after, and its repeats.</summary>
public sealed class JobTasksTests(TestService service) : IClassFixture<TestService>
{
    private const string Base = TestService.BaseModel;

    [Fact]
    public async Task Evaluate_TasksOfAJob_HaveFiguresBeforeAndAfterAndAWarningWhereTheyFell()
    {
        HttpClient client = service.With(await service.NewTenant("job-tasks"));
        string texts = await client.Upload("{\"text\": \"The coin was old, and the king had it in his hand.\"}\n");
        JsonNode job = await Ended(client, new { epochs = 8, learning_rate = 0.01, batch_size = 4 }, new
        {
            tasks = new[] { "perplexity", "blimp_greetings" },
            task_files = new
            {
                perplexity = new { file = texts },
                blimp_greetings = new { file = await client.Upload("{\"sentence_good\": \"POTATO\", \"sentence_bad\": \"The\"}\n{\"sentence_good\": \"POTATO POTATO\", \"sentence_bad\": \"The coin\"}\n") },
            },
        });
        JsonNode before = job["evaluation"]!["before"]!, after = job["evaluation"]!["after"]!;
        double was = (double)before["perplexity"]!["metrics"]!["token_perplexity"]!["value"]!, now = (double)after["perplexity"]!["metrics"]!["token_perplexity"]!["value"]!;
        Assert.True(now > was, $"{was} {now}");
        Assert.Equal(2, (int)after["blimp_greetings"]!["items"]!);
        string[] warnings = [.. job["warnings"]!.AsArray().Select(warning => (string)warning!)];
        Assert.Single(warnings, warning => warning.StartsWith("task perplexity scores below the base afterwards: token_perplexity was", StringComparison.Ordinal));
        Assert.Single(warnings, warning => warning.StartsWith("task ", StringComparison.Ordinal));

        // What was told is what an evaluation of the same two says. A base is served in its own precision, and the job ran against it.
        JsonNode asked = await client.Post("/v1/evaluations", new { models = new[] { Base, (string)job["fine_tuned_model"]! }, tasks = new[] { "perplexity" }, task_files = new { perplexity = new { file = texts } } });
        double Asked(int model) => (double)asked["results"]![model]!["tasks"]!["perplexity"]!["metrics"]!["token_perplexity"]!["value"]!;
        Assert.Equal((was, now), (Asked(0), Asked(1)));
    }

    [Theory]
    [InlineData("acc", 0.5, 0.4, true)]
    [InlineData("acc", 0.5, 0.5, false)]
    [InlineData("acc", 0.5, 0.6, false)]
    [InlineData("token_perplexity", 20, 21, true)]
    [InlineData("token_perplexity", 20, 19, false)]
    public void Losses_OfATask_AreToldWhereItScoresBelowTheBase(string metric, double before, double after, bool fires)
    {
        static Dictionary<string, TaskResult> Task(string metric, double value) => new() { ["t"] = new TaskResult(5, 0, new Dictionary<string, MetricBody> { [metric] = new(value, 0.1) }) };
        Assert.Equal(fires, new JobTasks(Task(metric, before), Task(metric, after)).Losses().Any());
        Assert.Empty(new JobTasks(null, Task(metric, after)).Losses());
    }

    [Fact]
    public async Task Repeats_ThreeSeeds_HaveMeanAndDeviationAndTheJobsOwnAdapter()
    {
        HttpClient client = service.With(await service.NewTenant("repeats"));
        var training = new { max_steps = 4, learning_rate = 0.01, batch_size = 4 };
        string held = await client.Upload(EvaluationTests.Chat(4, from: 40)), texts = await client.Upload("{\"text\": \"The coin was old.\"}\n");
        var evaluate = new { tasks = new[] { "perplexity" }, task_files = new { perplexity = new { file = texts } } };
        JsonNode once = await Ended(client, training, null, held, seed: 7), thrice = await Ended(client, training, evaluate, held, seed: 7, repeats: 3);

        JsonArray runs = thrice["repeats"]!["runs"]!.AsArray();
        Assert.Equal([9, 8, 7], runs.Select(run => (int)run!["seed"]!));
        double[] losses = [.. runs.Select(run => (double)run!["train_loss"]!)], held3 = [.. runs.Select(run => (double)run!["validation_loss"]!)];
        Assert.Equal(3, losses.Distinct().Count());
        Assert.Equal(losses.Average(), (double)thrice["repeats"]!["train_loss"]!["mean"]!, 1e-9);
        Assert.Equal(Math.Sqrt(held3.Sum(loss => Math.Pow(loss - held3.Average(), 2)) / 2), (double)thrice["repeats"]!["validation_loss"]!["deviation"]!, 1e-9);
        double[] perplexities = [.. runs.Select(run => (double)run!["tasks"]!["perplexity"]!["metrics"]!["token_perplexity"]!["value"]!)];
        Assert.Equal(perplexities.Average(), (double)thrice["repeats"]!["tasks"]!["perplexity"]!["token_perplexity"]!["mean"]!, 1e-6);
        Assert.Equal(perplexities[2], (double)thrice["evaluation"]!["after"]!["perplexity"]!["metrics"]!["token_perplexity"]!["value"]!);
        Assert.Equal(3 * (long)once["trained_tokens"]!, (long)thrice["trained_tokens"]!);
        Assert.Null(once["repeats"]);
        byte[][] adapters = [await Weights(client, once), await Weights(client, thrice)];
        Assert.Equal(adapters[0], adapters[1]);
    }

    [Fact]
    public async Task Repeats_CancelledBetween_EndsTheJobAndLeavesNothing()
    {
        HttpClient client = service.With(await service.NewTenant("repeats-cancelled"));
        JsonNode job = await client.Post("/v1/fine_tuning/jobs", Body(await client.Upload(EvaluationTests.Chat(20)), new { epochs = 40, batch_size = 4 }, null, null, 1, repeats: 10));
        string path = $"/v1/fine_tuning/jobs/{job["id"]}";
        while ((await client.Get(path))["repeats"] is null) await Task.Delay(20, TestContext.Current.CancellationToken);
        await client.PostAsync(path + "/cancel", null, TestContext.Current.CancellationToken);
        Assert.Equal("cancelled", (string?)(await client.Ended((string)job["id"]!))["status"]);
        Assert.Empty((await client.Get("/v1/adapters"))["data"]!.AsArray());
    }

    [Theory]
    [InlineData("\"evaluate\": {\"tasks\": []}", "evaluate.tasks")]
    [InlineData("\"evaluate\": {\"tasks\": [\"hellaswag\"]}", "evaluate.tasks")]
    [InlineData("\"evaluate\": {\"tasks\": [\"gsm8k\"]}", "evaluate.tasks")]
    [InlineData("\"evaluate\": {\"tasks\": [\"gsm8k\"], \"limit\": 0}", "evaluate.limit")]
    [InlineData("\"evaluate\": {\"tasks\": [\"gsm8k\"], \"num_fewshot\": -1}", "evaluate.num_fewshot")]
    [InlineData("\"evaluate\": {\"tasks\": [\"gsm8k\"], \"task_files\": {\"perplexity\": {\"file\": \"F\"}}}", "evaluate.task_files")]
    [InlineData("\"repeats\": 0", "repeats")]
    [InlineData("\"repeats\": 11", "repeats")]
    public async Task Create_BadEvaluateOrRepeats_Is400ThatNamesTheField(string fields, string param)
    {
        HttpClient client = service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
        string file = await client.Upload(EvaluationTests.Chat(3));
        string body = $"{{\"model\": \"{Base}\", \"training_file\": \"{file}\", {fields.Replace("\"F\"", $"\"{file}\"")}}}";
        JsonNode error = await client.PostAsync("/v1/fine_tuning/jobs", new StringContent(body, Encoding.UTF8, "application/json")).Error(HttpStatusCode.BadRequest);
        Assert.Equal(param, (string?)error["param"]);
    }

    [Fact]
    public async Task Create_TaskFileOfAnotherTenant_Is404ThatNamesTheField()
    {
        HttpClient owner = service.With(await service.NewTenant("job-task-owner")), other = service.With(await service.NewTenant("job-task-other"));
        var evaluate = new { tasks = new[] { "perplexity" }, task_files = new { perplexity = new { file = await owner.Upload("{\"text\": \"a\"}\n") } } };
        JsonNode error = await other.PostAsJsonAsync("/v1/fine_tuning/jobs", Body(await other.Upload(EvaluationTests.Chat(3)), new { }, evaluate, null, 1, null)).Error(HttpStatusCode.NotFound);
        Assert.Equal(("file_not_found", "evaluate.task_files.perplexity.file"), ((string?)error["code"], (string?)error["param"]));
    }

    private static async Task<JsonNode> Ended(HttpClient client, object training, object? evaluate, string? held = null, int seed = 42, int? repeats = null)
    {
        JsonNode job = await client.Post("/v1/fine_tuning/jobs", Body(await client.Upload(EvaluationTests.Chat(20)), training, evaluate, held, seed, repeats));
        JsonNode ended = await client.Ended((string)job["id"]!);
        Assert.True((string?)ended["status"] == "succeeded", ended.ToJsonString());
        return ended;
    }

    private static object Body(string file, object training, object? evaluate, string? held, int seed, int? repeats) =>
        new { model = Base, training_file = file, validation_file = held, seed, training, evaluate, repeats };

    private static async Task<byte[]> Weights(HttpClient client, JsonNode job)
    {
        JsonNode adapter = (await client.Get("/v1/adapters"))["data"]!.AsArray().First(row => (string?)row!["model"] == (string?)job["fine_tuned_model"])!;
        using var zip = new ZipArchive(await client.GetStreamAsync($"/v1/adapters/{adapter["id"]}/content"));
        using var bytes = new MemoryStream();
        await using (Stream entry = await zip.GetEntry("adapter_model.safetensors")!.OpenAsync()) await entry.CopyToAsync(bytes);
        return bytes.ToArray();
    }
}
