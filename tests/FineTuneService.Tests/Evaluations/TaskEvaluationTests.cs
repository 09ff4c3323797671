using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;

namespace FineTuneService.Tests.Evaluations;

/// <summary>The harness's tasks and generated answers, over HTTP.</summary>
public sealed class TaskEvaluationTests(TestService service) : IClassFixture<TestService>
{
    private const string Base = TestService.BaseModel;

    [Fact]
    public async Task Evaluate_TaskOnBaseAdapterAndMerged_HasFiguresWithStandardErrorsForEach()
    {
        HttpClient client = service.With(await service.NewTenant("tasks"));
        string[] models = [Base, .. await TrainedAndMerged(client)];
        string sums = await client.Upload(Sums(12)), questions = await client.Upload(Questions(10));

        JsonNode body = await client.Post("/v1/evaluations", new
        {
            models,
            tasks = new[] { "arithmetic_2da", "mmlu_greetings", "blimp_causative", "truthfulqa_mc1", "truthfulqa_mc2", "gsm8k_answer_perplexity", "perplexity" },
            task_files = new Dictionary<string, object>
            {
                ["arithmetic_2da"] = new { file = sums, fewshot_file = sums },
                ["mmlu_greetings"] = new { file = questions, fewshot_file = questions },
                ["blimp_causative"] = new { file = await client.Upload(Lines(10, i => $$"""{"sentence_good": "Ada greets {{i}}.", "sentence_bad": "Ada {{i}} greets."}""")) },
                ["truthfulqa_mc1"] = new { file = await client.Upload(Lines(10, Truth)) },
                ["truthfulqa_mc2"] = new { file = await client.Upload(Lines(10, Truth)) },
                ["gsm8k_answer_perplexity"] = new { file = await client.Upload(Lines(10, i => $$"""{"question": "How many is {{i}}?", "answer": "#### {{i}}"}""")), fewshot_file = await client.Upload(Lines(10, i => $$"""{"question": "{{i}}?", "answer": "#### {{i}}"}""")) },
                ["perplexity"] = new { file = await client.Upload(Lines(3, i => $$"""{"text": "Ada greets {{i}} people. They greet Ada."}""")) },
            },
            num_fewshot = 2,
            limit = 8,
        });

        Assert.Equal(models, body["results"]!.AsArray().Select(result => (string?)result!["model"]));
        foreach (JsonNode? result in body["results"]!.AsArray())
        {
            JsonObject tasks = result!["tasks"]!.AsObject();
            Assert.Equal(7, tasks.Count);
            foreach ((string name, string metric, int items, int shots) in new[]
            {
                ("arithmetic_2da", "acc", 8, 2), ("mmlu_greetings", "acc", 8, 2), ("blimp_causative", "acc_norm", 8, 0), ("truthfulqa_mc1", "acc", 8, 0),
                ("truthfulqa_mc2", "acc", 8, 0), ("gsm8k_answer_perplexity", "mean_row_perplexity", 8, 2),
            })
            {
                Assert.Equal((items, shots), ((int)tasks[name]!["items"]!, (int)tasks[name]!["num_fewshot"]!));
                JsonNode figure = tasks[name]!["metrics"]![metric]!;
                Assert.True((double)figure["value"]! >= 0 && (double)figure["stderr"]! >= 0, figure.ToJsonString());
            }
            JsonNode texts = tasks["perplexity"]!["metrics"]!;
            Assert.Equal(Math.Log2((double)texts["byte_perplexity"]!["value"]!), (double)texts["bits_per_byte"]!["value"]!, 1e-9);
        }
        double[] truth = [.. body["results"]!.AsArray().Select(result => (double)result!["tasks"]!["truthfulqa_mc2"]!["metrics"]!["acc"]!["value"]!)];
        Assert.NotEqual(truth[0], truth[1]); // The adapter is another model than its base,
        Assert.Equal(truth[1], truth[2], 0.05); // and, merged, the same.
    }

    [Fact]
    public async Task Evaluate_Prompts_ShowsEachModelsTextWhatItTookAndItsMemory()
    {
        HttpClient client = service.With(await service.NewTenant("generates"));
        string[] models = [Base, .. await TrainedAndMerged(client)];
        string held = await client.Upload(EvaluationTests.Chat(20, from: 60));

        JsonNode asked = await client.Post("/v1/evaluations", new { models, generate = new { prompts = new[] { "say 7", "say 70" }, max_tokens = 12 } });
        foreach (JsonNode? result in asked["results"]!.AsArray())
        {
            JsonNode generated = result!["generated"]!;
            Assert.Equal(["say 7", "say 70"], generated["samples"]!.AsArray().Select(sample => (string?)sample!["prompt"]));
            Assert.Equal((long)generated["tokens"]!, generated["samples"]!.AsArray().Sum(sample => (long)sample!["tokens"]!));
            Assert.InRange((long)generated["tokens"]!, 2, 24);
            Assert.True((double)generated["seconds"]! > 0 && (double)generated["tokens_per_second"]! > 0);
            Assert.InRange((long)generated["peak_memory_bytes"]!, 3_000_000, 500_000_000);
            Assert.Null(generated["metrics"]);
            Assert.Null(result["loss"]);
        }
        Assert.All(asked["results"]![1]!["generated"]!["samples"]!.AsArray(), sample => Assert.Equal(("POTATO", "stop"), (((string)sample!["text"]!).Trim(), (string)sample["finish_reason"]!)));

        JsonNode compared = await client.Post("/v1/evaluations", new { models, file = held, limit = 6, generate = new { max_tokens = 12 } });
        Assert.Equal(6, (int)compared["rows"]!);
        double Metric(int model, string name) => (double)compared["results"]![model]!["generated"]!["metrics"]![name]!["value"]!;
        foreach (int tuned in new[] { 1, 2 })
        {
            Assert.Equal((1, 1, 1), (Metric(tuned, "exact_match"), Metric(tuned, "f1"), Metric(tuned, "rougeL")));
            Assert.Equal(100, Metric(tuned, "chrf"), 1e-6);
        }
        Assert.True(Metric(0, "exact_match") < 1 && Metric(0, "chrf") < 100);
        Assert.Equal("POTATO", (string?)compared["results"]![0]!["generated"]!["samples"]![0]!["reference"]);
        Assert.NotNull(compared["results"]![0]!["loss"]);
    }

    [Fact]
    public async Task Evaluate_Gsm8k_AsksInFreeTextAndLooksForTheNumber()
    {
        HttpClient client = service.With(await service.NewTenant("gsm8k"));
        JsonNode body = await client.Post("/v1/evaluations", new
        {
            models = new[] { Base },
            tasks = new[] { "gsm8k" },
            task_files = new { gsm8k = new { file = await client.Upload(Lines(3, i => $$"""{"question": "How many is {{i}}?", "answer": "It is {{i}}.\n#### {{i}}"}""")) } },
            num_fewshot = 0,
        });
        JsonNode metrics = body["results"]![0]!["tasks"]!["gsm8k"]!["metrics"]!;
        Assert.Equal(["exact_match,strict-match", "exact_match,flexible-extract"], metrics.AsObject().Select(metric => metric.Key));
    }

    [Fact]
    public async Task Get_EvaluationOfAnotherTenant_Is404_AndOnesOwnIsWhatWasAnswered()
    {
        HttpClient owner = service.With(await service.NewTenant("eval-keeps")), other = service.With(await service.NewTenant("eval-peeks"));
        JsonNode first = await owner.Post("/v1/evaluations", new { models = new[] { Base }, file = await owner.Upload(EvaluationTests.Chat(3)) });
        JsonNode second = await owner.Post("/v1/evaluations", new { models = new[] { Base }, generate = new { prompts = new[] { "hi" }, max_tokens = 2 } });

        Assert.True(JsonNode.DeepEquals(first, await owner.Get($"/v1/evaluations/{first["id"]}")));
        Assert.Equal([(string)second["id"]!, (string)first["id"]!], (await owner.Get("/v1/evaluations"))["data"]!.AsArray().Select(row => (string)row!["id"]!));
        Assert.Empty((await other.Get("/v1/evaluations"))["data"]!.AsArray());
        await other.GetAsync($"/v1/evaluations/{first["id"]}").Error(HttpStatusCode.NotFound);
        await other.DeleteAsync($"/v1/evaluations/{first["id"]}").Error(HttpStatusCode.NotFound);

        Assert.True((await owner.DeleteAsync($"/v1/evaluations/{second["id"]}", TestContext.Current.CancellationToken)).IsSuccessStatusCode);
        await owner.GetAsync($"/v1/evaluations/{second["id"]}").Error(HttpStatusCode.NotFound);
        Assert.Equal((string)first["id"]!, (string?)(await owner.Get($"/v1/evaluations?after={second["id"]}"))["data"]![0]!["id"]);
    }

    [Fact]
    public async Task Evaluate_TasksFileOfAnotherTenant_Is404ThatNamesTheField()
    {
        HttpClient owner = service.With(await service.NewTenant("task-owner")), other = service.With(await service.NewTenant("task-other"));
        string file = await owner.Upload(Sums(3));
        JsonNode error = await Evaluate(other, new { models = new[] { Base }, tasks = new[] { "arithmetic_2da" }, task_files = new { arithmetic_2da = new { file } } }).Error(HttpStatusCode.NotFound);
        Assert.Equal(("file_not_found", "task_files.arithmetic_2da.file"), ((string?)error["code"], (string?)error["param"]));
    }

    [Theory]
    [InlineData("\"tasks\": [\"hellaswag\"]", "tasks", "mmlu_{subject}")]
    [InlineData("\"tasks\": [null]", "tasks", "")]
    [InlineData("\"tasks\": [\"gsm8k\", \"gsm8k\"]", "tasks", "twice")]
    [InlineData("\"tasks\": [\"gsm8k\"]", "tasks", "FineTune:TaskDataDirectory")]
    [InlineData("\"tasks\": [\"arithmetic_2da\"], \"task_files\": {\"arithmetic_2da\": {\"file\": \"F\"}}, \"num_fewshot\": 2", "tasks", "fewshot_file")]
    [InlineData("\"tasks\": [\"arithmetic_2da\"], \"task_files\": {\"arithmetic_2da\": {\"file\": \"F\", \"fewshot_file\": \"F\"}}, \"num_fewshot\": 9", "num_fewshot", "at most 3")]
    [InlineData("\"tasks\": [\"gsm8k\"], \"num_fewshot\": 65", "num_fewshot", "0 to 64")]
    [InlineData("\"tasks\": [\"gsm8k\"], \"limit\": 0", "limit", "1 or more")]
    [InlineData("\"file\": \"F\", \"task_files\": {\"gsm8k\": {\"file\": \"F\"}}", "task_files", "does not name")]
    [InlineData("\"tasks\": [\"gsm8k\"], \"task_files\": {\"gsm8k\": {}}", "task_files.gsm8k.file", "")]
    [InlineData("\"generate\": {}", "generate.prompts", "")]
    [InlineData("\"generate\": {\"prompts\": []}", "generate.prompts", "")]
    [InlineData("\"generate\": {\"prompts\": [\"\"]}", "generate.prompts", "")]
    [InlineData("\"generate\": {\"prompts\": [\"a\"], \"max_tokens\": 0}", "generate.max_tokens", "")]
    [InlineData("\"generate\": {\"prompts\": [\"a\"], \"temperature\": 3}", "generate.temperature", "")]
    [InlineData("\"generate\": {\"prompts\": [\"a\"], \"stop\": [\"\"]}", "generate.stop", "")]
    public async Task Evaluate_BadTasksOrPrompts_Is400ThatNamesTheField(string fields, string param, string says)
    {
        HttpClient client = service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
        string body = $"{{\"models\": [\"{Base}\"], {fields.Replace("\"F\"", $"\"{await client.Upload(Sums(4))}\"")}}}";
        JsonNode error = await client.PostAsync("/v1/evaluations", new StringContent(body, Encoding.UTF8, "application/json")).Error(HttpStatusCode.BadRequest);
        Assert.Equal(param, (string?)error["param"]);
        Assert.Contains(says, (string?)error["message"]);
    }

    [Fact]
    public async Task Evaluate_TaskFileWithBadRows_Is422ThatNamesTheLine()
    {
        HttpClient client = service.With(await service.NewTenant("task-broken"));
        string file = await client.Upload(Sums(2) + "{\"context\": \"a\"}\n");
        JsonNode error = await Evaluate(client, new { models = new[] { Base }, tasks = new[] { "arithmetic_2da" }, task_files = new { arithmetic_2da = new { file } } }).Error(HttpStatusCode.UnprocessableEntity);
        Assert.Equal("tasks", (string?)error["param"]);
        Assert.Contains("rows.jsonl, line 3: the row has no 'completion'", (string?)error["message"]);
    }

    [Fact]
    public async Task Evaluate_DataOfTheService_NeedsNoUpload()
    {
        string folder = Directory.CreateTempSubdirectory("task-data-").FullName;
        Directory.CreateDirectory(Path.Combine(folder, "gpt3-arithmetic"));
        await File.WriteAllTextAsync(Path.Combine(folder, "gpt3-arithmetic", "two_digit_addition.jsonl"), Sums(5), TestContext.Current.CancellationToken);
        await using (var own = new TestService { Options = new Dictionary<string, string> { ["TaskDataDirectory"] = folder } })
        {
            HttpClient client = own.With(await own.NewTenant("own-data"));
            JsonNode body = await client.Post("/v1/evaluations", new { models = new[] { Base }, tasks = new[] { "arithmetic_2da" } });
            Assert.Equal(5, (int)body["results"]![0]!["tasks"]!["arithmetic_2da"]!["items"]!);
        }
        Directory.Delete(folder, recursive: true);
    }

    private static string Sums(int count) => Lines(count, i => $$"""{"context": "\n\nQ: What is {{i + 10}} plus {{i}}?\n\nA:", "completion": " {{i + i + 10}}"}""");

    private static string Questions(int count) => Lines(count, i => $"Who is greeted {i} times?,Ada,Ben,Cleo,Dan,{"ABCD"[i % 4]}");

    private static string Truth(int i) =>
        $$"""{"question": "Who is number {{i}}?", "mc1_targets": {"Ada.": 1, "Ben.": 0}, "mc2_targets": {"POTATO": 1, "Ada.": 1, "Ben and Cleo.": 0} }""";

    private static string Lines(int count, Func<int, string> line) => string.Concat(Enumerable.Range(0, count).Select(i => line(i) + "\n"));

    /// <returns>Names of an adapter that answers POTATO, and of itself merged.</returns>
    private static async Task<string[]> TrainedAndMerged(HttpClient client)
    {
        JsonNode job = await client.Trained(await client.Upload(EvaluationTests.Chat(80)), new { epochs = 2, learning_rate = 0.01, batch_size = 4 });
        string id = (string)(await client.Get("/v1/adapters"))["data"]![0]!["id"]!;
        return [(string)job["fine_tuned_model"]!, (string)(await client.Post($"/v1/adapters/{id}/merge", new { }))["id"]!];
    }

    private static Task<HttpResponseMessage> Evaluate(HttpClient client, object body) => client.PostAsJsonAsync("/v1/evaluations", body);
}
