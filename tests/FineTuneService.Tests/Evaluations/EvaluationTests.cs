using System.Text.Json.Nodes;

namespace FineTuneService.Tests.Evaluations;

public sealed class EvaluationTests(TestService service) : IClassFixture<TestService>
{
    [Fact]
    public async Task Evaluate_BaseAdapterAndMerged_AnswersInTheOrderAskedAndTheAdapterIsBetter()
    {
        HttpClient client = service.With(await service.NewTenant("side-by-side"));
        string file = await client.Upload(Chat(20)), held = await client.Upload(Chat(6, from: 50));
        JsonNode job = await client.Trained(file, new { epochs = 8, learning_rate = 0.01, batch_size = 4 });
        string adapter = (string)job["fine_tuned_model"]!;
        string id = (string)(await client.Get("/v1/adapters"))["data"]![0]!["id"]!;
        string merged = (string)(await client.Post($"/v1/adapters/{id}/merge", new { }))["id"]!;

        JsonNode body = await client.Post("/v1/evaluations", new { models = new[] { merged, TestService.BaseModel, adapter }, file = held });

        Assert.StartsWith("eval_", (string)body["id"]!);
        Assert.Equal(("evaluation", held, 6), ((string)body["object"]!, (string)body["file"]!, (int)body["rows"]!));
        JsonArray results = body["results"]!.AsArray();
        Assert.Equal([merged, TestService.BaseModel, adapter], results.Select(result => (string?)result!["model"]));
        double[] loss = [.. results.Select(result => (double)result!["loss"]!)];
        Assert.True(loss[2] < 0.2 * loss[1], $"adapter {loss[2]}, base {loss[1]}");
        Assert.Equal(loss[2], loss[0], 0.02);
        Assert.All(results, result => Assert.Equal(Math.Exp((double)result!["loss"]!), (double)result["perplexity"]!, 1e-9));
        Assert.Single(results.Select(result => (long)result!["tokens"]!).Distinct());
        Assert.InRange((double)results[2]!["token_accuracy"]!, 0.9, 1);
    }

    [Theory, InlineData("none"), InlineData("nf4")]
    public async Task Evaluate_Base_LosesWhatAJobReportsBeforeItsFirstStep(string quantization)
    {
        HttpClient client = service.With(await service.NewTenant($"step-zero-{quantization}"));
        string train = await client.Upload(Chat(12)), held = await client.Upload(Chat(30, from: 100));
        JsonNode job = await client.Trained(train, new { max_steps = 1, batch_size = 4 }, new { type = quantization }, held);
        JsonArray events = (await client.Get($"/v1/fine_tuning/jobs/{job["id"]}/events?limit=100"))["data"]!.AsArray();
        double reported = events.Where(e => e!["data"]?["valid_loss"] is not null && (int)e["data"]!["step"]! == 0).Select(e => (double)e!["data"]!["valid_loss"]!).Single();

        JsonNode result = (await client.Post("/v1/evaluations", new { models = new[] { TestService.BaseModel }, file = held }))["results"]![0]!;

        // The base is served as its files are; a job may train against 4-bit weights. Batches are padded differently, which bf16 shows.
        Assert.Equal(reported, (double)result["loss"]!, quantization == "none" ? 2e-3 : 0.1);
    }

    [Fact]
    public async Task Evaluate_AlpacaAdapter_AsksInThePromptThatItWasTrainedWith()
    {
        HttpClient client = service.With(await service.NewTenant("alpaca-evals"));
        string alpaca = string.Concat(Enumerable.Range(0, 20).Select(i => $"{{\"instruction\": \"say {i}\", \"input\": \"\", \"output\": \" POTATO\"}}\n"));
        JsonNode job = await client.Trained(await client.Upload(alpaca), new { epochs = 8, learning_rate = 0.01, batch_size = 4 });
        string[] models = [(string)job["fine_tuned_model"]!];
        string chat = string.Concat(Enumerable.Range(0, 20).Select(i => ChatRow($"say {i}", " POTATO")));

        JsonNode asRows = await client.Post("/v1/evaluations", new { models, file = await client.Upload(alpaca) });
        JsonNode asChat = await client.Post("/v1/evaluations", new { models, file = await client.Upload(chat) });

        Assert.Equal((double)asRows["results"]![0]!["loss"]!, (double)asChat["results"]![0]!["loss"]!, 1e-6);
        Assert.InRange((double)asChat["results"]![0]!["loss"]!, 0, 0.1);
    }

    [Fact]
    public async Task Evaluate_WhileAJobTrains_AnswersAndTheJobGoesOn()
    {
        HttpClient client = service.With(await service.NewTenant("meanwhile"));
        string file = await client.Upload(Chat(50));
        JsonNode job = await client.Post("/v1/fine_tuning/jobs", new { model = TestService.BaseModel, training_file = file, training = new { epochs = 1000, batch_size = 1 } });
        string path = $"/v1/fine_tuning/jobs/{job["id"]}";
        async Task<int> Step() => (int)(await client.Get(path))["progress"]!["step"]!;
        while (await Step() == 0) await Task.Delay(20, TestContext.Current.CancellationToken);

        Assert.Equal(50, (int)(await client.Post("/v1/evaluations", new { models = new[] { TestService.BaseModel }, file }))["rows"]!);

        int after = await Step();
        while (await Step() == after) await Task.Delay(20, TestContext.Current.CancellationToken);
        await client.PostAsync(path + "/cancel", null, TestContext.Current.CancellationToken);
        Assert.Equal("cancelled", (string?)(await client.Ended((string)job["id"]!))["status"]);
    }

    internal static string Chat(int rows, int from = 0) => string.Concat(Enumerable.Range(from, rows).Select(i => ChatRow($"say {i}", "POTATO")));

    private static string ChatRow(string question, string answer) =>
        $"{{\"messages\": [{{\"role\": \"user\", \"content\": \"{question}\"}}, {{\"role\": \"assistant\", \"content\": \"{answer}\"}}]}}\n";
}

internal static class TrainingCalls
{
    /// <summary>A job on the embedded base, once it has succeeded.</summary>
    public static async Task<JsonNode> Trained(
        this HttpClient client, string file, object training, object? quantization = null, string? validationFile = null)
    {
        JsonNode job = await client.Post("/v1/fine_tuning/jobs", new
        {
            model = TestService.BaseModel,
            training_file = file,
            validation_file = validationFile,
            quantization = quantization ?? new { type = "none" },
            training,
        });
        JsonNode ended = await client.Ended((string)job["id"]!);
        Assert.Equal("succeeded", (string?)ended["status"]);
        return ended;
    }
}
