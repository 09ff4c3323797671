using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using FineTuneService.FineTuningJobs;

namespace FineTuneService.Tests.FineTuningJobs;

/// <summary>What a job says of its files.</summary>
public sealed class JobFileTests(TestService service) : IClassFixture<TestService>
{
    private const string Good = "{\"prompt\": \"say\", \"completion\": \" POTATO\"}\n";

    [Fact]
    public async Task Job_PrettyPrintedFile_FailsWithAHandfulOfEventsAndOtherTenantsUpload()
    {
        HttpClient client = service.With(await service.NewTenant("pretty")), other = service.With(await service.NewTenant("pretty-other"));
        string rows = string.Concat(Enumerable.Range(0, 30_000).Select(i =>
            $"{{\n  \"messages\": [\n    {{\n      \"role\": \"user\",\n      \"content\": \"q {i}\"\n    }},\n    {{\n      \"role\": \"assistant\",\n      \"content\": \"a\"\n    }}\n  ]\n}}\n"));
        JsonNode job = await client.Post("/v1/fine_tuning/jobs", new { model = TestService.BaseModel, training_file = await Upload(client, rows, "pretty.jsonl") });
        await other.Upload(Good);
        JsonNode ended = await client.Ended((string)job["id"]!);
        Assert.Equal(("invalid_training_file", "training_file"), ((string?)ended["error"]!["code"], (string?)ended["error"]!["param"]));
        Assert.Contains("pretty.jsonl, line 1 and ", (string?)ended["error"]!["message"]);
        Assert.Contains("JSONL has one object a line", (string?)ended["error"]!["message"]);
        JsonArray events = (await client.Get($"/v1/fine_tuning/jobs/{job["id"]}/events?limit=100"))["data"]!.AsArray();
        Assert.InRange(events.Count, 3, 6);
    }

    [Fact]
    public async Task Job_BadValidationFile_BlamesTheValidationFile()
    {
        HttpClient client = service.With(await service.NewTenant("held-out"));
        string train = await Upload(client, string.Concat(Enumerable.Repeat(Good, 12)), "train.jsonl");
        string held = await Upload(client, string.Concat(Enumerable.Repeat(Good + "{broken\n", 40)), "held.jsonl");
        JsonNode error = await Failed(client, train, held);
        Assert.Equal(("invalid_validation_file", "validation_file"), ((string?)error["code"], (string?)error["param"]));
        Assert.Contains("40 problems: held.jsonl, line 2 and 39 more (4, 6, 8, 10, …): invalid JSON", (string?)error["message"]);

        JsonNode estimate = await client.PostAsync("/v1/fine_tuning/jobs/estimate", JsonContent.Create(new { model = TestService.BaseModel, training_file = train, validation_file = held }), TestContext.Current.CancellationToken)
            .Error(HttpStatusCode.UnprocessableEntity);
        Assert.Equal(("invalid_validation_file", "validation_file"), ((string?)estimate["code"], (string?)estimate["param"]));
    }

    [Fact]
    public async Task Job_ValidationFileOfAnotherFormat_BlamesTheValidationFile()
    {
        HttpClient client = service.With(await service.NewTenant("other-format"));
        string train = await Upload(client, string.Concat(Enumerable.Repeat(Good, 12)), "train.jsonl");
        string held = await Upload(client, "{\"instruction\": \"i\", \"output\": \"o\"}\n", "held.jsonl");
        JsonNode error = await Failed(client, train, held);
        Assert.Equal("validation_file", (string?)error["param"]);
        Assert.Contains("held.jsonl: the validation file holds Alpaca rows, the training file prompt/completion rows", (string?)error["message"]);
    }

    [Fact]
    public async Task Job_BothFilesBad_BlamesTheTrainingFileAndNamesBoth()
    {
        HttpClient client = service.With(await service.NewTenant("both-bad"));
        JsonNode error = await Failed(client, await Upload(client, "{broken\n", "train.jsonl"), await Upload(client, "5\n", "held.jsonl"));
        Assert.Equal("training_file", (string?)error["param"]);
        Assert.Contains("train.jsonl, line 1: invalid JSON", (string?)error["message"]);
        Assert.Contains("held.jsonl, line 1: the row is a number", (string?)error["message"]);
    }

    [Fact]
    public async Task Job_CsvFile_Trains()
    {
        HttpClient client = service.With(await service.NewTenant("csv"));
        string file = await Upload(client, "prompt;completion\n" + string.Concat(Enumerable.Range(0, 12).Select(i => $"say {i};\" POTATO; or\n two\"\n")), "rows.csv");
        JsonNode job = await client.Post("/v1/fine_tuning/jobs", new { model = TestService.BaseModel, training_file = file, training = new { max_steps = 1 } });
        JsonNode ended = await client.Ended((string)job["id"]!);
        Assert.Equal("succeeded", (string?)ended["status"]);
        Assert.Contains(ended["warnings"]!.AsArray(), warning => ((string)warning!).StartsWith("rows.csv, line 1: the columns are separated by ';'", StringComparison.Ordinal));
    }

    /// <summary>The default warmup leaves one step something to learn; a warmup as long as the run does not, and that is said.</summary>
    [Theory, InlineData(null, false), InlineData(5, true)]
    public async Task Job_OfOneStep_WarnsIfItLearntNothing(int? warmup, bool nothing)
    {
        HttpClient client = service.With(await service.NewTenant(nothing ? "one-step-cold" : "one-step-warm"));
        string file = await client.Upload(string.Concat(Enumerable.Repeat(Good, 12)));
        JsonNode job = await client.Post("/v1/fine_tuning/jobs", new { model = TestService.BaseModel, training_file = file, training = new { max_steps = 1, warmup, max_seq_length = 100_000 } });
        JsonNode ended = await client.Ended((string)job["id"]!);
        Assert.Equal("succeeded", (string?)ended["status"]);
        string[] warnings = [.. ended["warnings"]!.AsArray().Select(warning => (string)warning!)];
        Assert.Equal(nothing, warnings.Any(warning => warning.Contains("the run changed nothing")));
        Assert.Contains(warnings, warning => warning.Contains("max_seq_length 100000 is more than the model's"));
        JsonArray events = (await client.Get($"/v1/fine_tuning/jobs/{job["id"]}/events?limit=100"))["data"]!.AsArray();
        Assert.All(warnings, warning => Assert.Contains(events, e => (string?)e!["level"] == "warn" && (string?)e["message"] == warning));
    }

    [Theory]
    [InlineData(0.03, 1, 0), InlineData(0.03, 2, 0), InlineData(0.03, 3, 1), InlineData(0.03, 100, 3), InlineData(0.5, 2, 1), InlineData(0.9, 1, 0), InlineData(1, 1, 1), InlineData(0, 9, 0)]
    public void For_Warmup_LeavesAShortRunSomethingToLearn(double warmup, int steps, int expected) =>
        Assert.Equal(expected, Settings(new TrainingBody { Warmup = warmup, MaxSteps = steps }).For(100).WarmupSteps);

    [Fact]
    public void TooManySteps_MoreThanCanBeCounted_NamesEpochs()
    {
        JobSettings settings = Settings(new TrainingBody { Epochs = 1000, BatchSize = 1 });
        Assert.Null(settings.TooManySteps(2_000_000));
        Assert.Equal("training.epochs", settings.TooManySteps(2_200_000)!.Param);
        Assert.Contains("2200000000 steps", settings.TooManySteps(2_200_000)!.Message);
        Assert.Throws<OverflowException>(() => settings.StepsFor(2_200_000));
    }

    private static JobSettings Settings(TrainingBody training) =>
        JobSettingsReader.Read(new CreateJobRequest { Model = "m", TrainingFile = "f", Training = training }, fastBf16: false, out _)!;

    private static async Task<JsonNode> Failed(HttpClient client, string train, string held)
    {
        JsonNode job = await client.Post("/v1/fine_tuning/jobs", new { model = TestService.BaseModel, training_file = train, validation_file = held });
        return (await client.Ended((string)job["id"]!))["error"]!;
    }

    private static async Task<string> Upload(HttpClient client, string content, string name)
    {
        using var form = new MultipartFormDataContent { { new StringContent("fine-tune"), "purpose" }, { new ByteArrayContent(Encoding.UTF8.GetBytes(content)), "file", name } };
        using HttpResponseMessage answer = await client.PostAsync("/v1/files", form);
        return (string)JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["id"]!;
    }
}
