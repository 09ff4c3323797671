using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;

namespace FineTuneService.Tests.FineTuningJobs;

/// <summary>What a job says of its files' columns: dataset{columns, prompt_template, max_rows, test_file}, and train_on.</summary>
public sealed class JobDatasetTests(TestService service) : IClassFixture<TestService>
{
    private static string Questions(int count) => string.Concat(Enumerable.Range(0, count).Select(i => $"{{\"question\": \"say {i}\", \"reply\": \" POTATO\"}}\n"));

    [Fact]
    public async Task Job_ColumnsThroughATemplate_TrainsIsScoredOnceAndAnswersInThatPrompt()
    {
        HttpClient client = service.With(await service.NewTenant("columns"));
        string training = await client.Upload(Questions(40)), test = await client.Upload(Questions(6));
        JsonNode job = await client.Post("/v1/fine_tuning/jobs", new
        {
            model = TestService.BaseModel,
            training_file = training,
            dataset = new { columns = new { completion = "reply" }, prompt_template = "Q: {question}\nA:", max_rows = 24, test_file = test },
            training = new { epochs = 8, learning_rate = 0.01, batch_size = 8, train_on = "completion" },
        });
        Assert.Equal((test, 24), ((string)job["test_file"]!, (int)job["settings"]!["max_rows"]!));
        // The job holds its test file's bytes too.
        Assert.True((await client.DeleteAsync($"/v1/files/{test}")).IsSuccessStatusCode);
        JsonNode ended = await client.Ended((string)job["id"]!);
        Assert.True((string?)ended["status"] == "succeeded", ended.ToJsonString());
        List<JsonNode> events = await client.AllEvents((string)job["id"]!);
        Assert.Contains(events, e => ((string)e["message"]!).Contains("24 training and 0 validation rows"));
        JsonNode scored = Assert.Single(events, e => e["data"]?["test_loss"] is not null);
        Assert.InRange((double)ended["progress"]!["test_loss"]!, 0, 0.5);
        Assert.Equal((double)scored["data"]!["test_loss"]!, (double)ended["progress"]!["test_loss"]!);
        Assert.True((int)scored["data"]!["test_tokens"]! > 6);

        string tuned = (string)ended["fine_tuned_model"]!;
        JsonNode chat = await client.Post("/v1/chat/completions", new { model = tuned, temperature = 0, max_tokens = 12, messages = new[] { new { role = "user", content = "say 5" } } });
        JsonNode written = await client.Post("/v1/completions", new { model = tuned, temperature = 0, max_tokens = 12, prompt = "Q: say 5\nA:" });
        Assert.Contains("POTATO", (string?)chat["choices"]![0]!["message"]!["content"]);
        Assert.Equal((int)chat["usage"]!["prompt_tokens"]!, (int)written["usage"]!["prompt_tokens"]!);
        Assert.Equal((string?)written["choices"]![0]!["text"], (string?)chat["choices"]![0]!["message"]!["content"]);
    }

    /// <summary>Databricks' template has a mark behind each answer: whoever asks does not see it, in an evaluation neither.</summary>
    [Fact]
    public async Task Job_TemplateWithAnEndMark_AnswersStopThere()
    {
        HttpClient client = service.With(await service.NewTenant("marks"));
        string file = await client.Upload(Questions(20));
        object columns = new { instruction = "question", completion = "reply" };
        JsonNode job = await client.Post("/v1/fine_tuning/jobs", new
        {
            model = TestService.BaseModel,
            training_file = file,
            dataset = new { columns, prompt_template = "dolly-databricks" },
            training = new { epochs = 16, learning_rate = 0.01, batch_size = 4 },
        });
        string tuned = (string)(await client.Ended((string)job["id"]!))["fine_tuned_model"]!;
        JsonNode chat = await client.Post("/v1/chat/completions", new { model = tuned, temperature = 0, max_tokens = 60, messages = new[] { new { role = "user", content = "say 5" } } });
        Assert.Equal((" POTATO", "stop"), ((string?)chat["choices"]![0]!["message"]!["content"], (string?)chat["choices"]![0]!["finish_reason"]));

        JsonNode evaluated = await client.Post("/v1/evaluations", new
        {
            models = new[] { tuned },
            file,
            dataset = new { columns, prompt_template = "dolly-databricks" },
            limit = 2,
            generate = new { max_tokens = 60 },
        });
        JsonNode result = evaluated["results"]![0]!;
        Assert.InRange((double)result["loss"]!, 0, 0.5);
        Assert.All(result["generated"]!["samples"]!.AsArray(), sample =>
            Assert.Equal((" POTATO", "POTATO", "stop"), ((string?)sample!["text"], (string?)sample["reference"], (string?)sample["finish_reason"])));
        Assert.Equal("dolly-databricks", (string?)evaluated["dataset"]!["prompt_template"]);
    }

    [Fact]
    public async Task Evaluate_BadColumns_Is400ThatNamesTheField()
    {
        HttpClient client = service.With(await service.NewTenant("badcolumns"));
        string file = await client.Upload(Questions(2));
        foreach ((object dataset, string param) in new (object, string)[] { (new { prompt_template = "no place" }, "prompt_template"), (new { columns = new { question = "q" } }, "columns") })
        {
            HttpResponseMessage answer = await client.PostAsJsonAsync("/v1/evaluations", new { models = new[] { TestService.BaseModel }, file, dataset });
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
            Assert.Equal("dataset." + param, (string?)JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["error"]!["param"]);
        }
    }

    [Fact]
    public async Task Job_TestFileWithProblems_FailsNamingTheField()
    {
        HttpClient client = service.With(await service.NewTenant("badtest"));
        foreach (string rows in new[] { "{broken\n", "{\"text\": \"of another format\"}\n" })
        {
            JsonNode job = await client.Post("/v1/fine_tuning/jobs", new
            {
                model = TestService.BaseModel,
                training_file = await client.Upload(JobCalls.Rows(12)),
                dataset = new { test_file = await client.Upload(rows) },
            });
            JsonNode ended = await client.Ended((string)job["id"]!);
            Assert.Equal(("failed", "test_file"), ((string)ended["status"]!, (string)ended["error"]!["param"]!));
        }
    }

    [Theory]
    [InlineData("""{"prompt_template": "no place"}""", "dataset.prompt_template")]
    [InlineData("""{"prompt_template": "{question} {answer}"}""", "dataset.prompt_template")]
    [InlineData("""{"prompt_template": "{question}", "columns": {"other": "x"}}""", "dataset.prompt_template")]
    [InlineData("""{"columns": {"promt": "question"}}""", "dataset.columns")]
    [InlineData("""{"columns": {"prompt": ""}}""", "dataset.columns")]
    [InlineData("""{"columns": {"prompt": null}}""", "dataset.columns")]
    [InlineData("""{"max_rows": 0}""", "dataset.max_rows")]
    [InlineData("""{"validation_split": 1}""", "dataset.validation_split")]
    public async Task Create_DatasetThatCannotBeUsed_IsRefusedByName(string dataset, string param)
    {
        HttpClient client = service.With(await service.NewTenant("refuse" + Guid.NewGuid().ToString("n")[..8]));
        JsonNode error = await client.PostAsync("/v1/fine_tuning/jobs", Json($$"""{"model": "{{TestService.BaseModel}}", "training_file": "{{await client.Upload(JobCalls.Rows(12))}}", "dataset": {{dataset}}}""")).Error(HttpStatusCode.BadRequest);
        Assert.Equal(param, (string?)error["param"]);
    }

    [Fact]
    public async Task Create_TestFileThatIsNotThere_IsNotFound()
    {
        HttpClient client = service.With(await service.NewTenant("notest"));
        string file = await client.Upload(JobCalls.Rows(12));
        JsonNode error = await client.PostAsync("/v1/fine_tuning/jobs", Json($$$"""{"model": "{{{TestService.BaseModel}}}", "training_file": "{{{file}}}", "dataset": {"test_file": "file-none"}}""")).Error(HttpStatusCode.NotFound);
        Assert.Equal("dataset.test_file", (string?)error["param"]);
    }

    private static StringContent Json(string body) => new(body, Encoding.UTF8, "application/json");
}
