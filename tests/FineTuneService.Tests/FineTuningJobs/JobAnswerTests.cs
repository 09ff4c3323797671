using System.Text.Json.Nodes;
using FineTuneService.FineTuningJobs;

namespace FineTuneService.Tests.FineTuningJobs;

/// <summary>What OpenAI's clients read of a job.</summary>
public sealed class JobAnswerTests(TestService service) : IClassFixture<TestService>
{
    [Fact]
    public async Task Job_HyperparametersGivenOrAuto_AnswersThemResolved()
    {
        HttpClient client = service.With(await service.NewTenant("resolved"));
        string file = await client.Upload(string.Concat(Enumerable.Repeat("{\"prompt\": \"a\", \"completion\": \" b\"}\n", 12)));
        JsonNode job = await client.Post("/v1/fine_tuning/jobs", new
        {
            model = TestService.BaseModel,
            training_file = file,
            validation_file = (string?)null,
            integrations = (string?)null,
            method = new { type = "supervised", supervised = new { hyperparameters = new { n_epochs = "auto", batch_size = "auto", learning_rate_multiplier = 1.8 } } },
        });
        JsonNode ended = await client.Ended((string)job["id"]!);
        foreach (JsonNode found in new[] { ended["hyperparameters"]!, ended["method"]!["supervised"]!["hyperparameters"]! })
            Assert.Equal((1, 1, 1.8), ((int)found["n_epochs"]!, (int)found["batch_size"]!, (double)found["learning_rate_multiplier"]!));
    }

    [Theory]
    [InlineData("running", 5000L, 5000L)]
    [InlineData("running", 900L, 1002L)]
    [InlineData("running", null, 1060L)]
    [InlineData("paused", 5000L, null)]
    [InlineData("succeeded", 5000L, null)]
    public void EstimatedFinish_OfAJob_LiesAheadWhileItRuns(string status, long? estimate, long? expected) =>
        Assert.Equal(expected, FinishEstimate.Of(
            new FineTuningJob { Id = "a", TenantId = "a", Model = "a", TrainingFile = "a", Settings = "{}", Status = status, EstimatedFinish = estimate, StartedAt = 940 }, now: 1000));

    [Fact]
    public async Task List_ByMetadata_GivesTheJobsThatHaveAllOfIt()
    {
        HttpClient client = service.With(await service.NewTenant("labelled"));
        string file = await client.Upload("{broken\n");
        async Task<string> Create(object metadata) => (string)(await client.Post("/v1/fine_tuning/jobs", new { model = TestService.BaseModel, training_file = file, metadata }))["id"]!;
        async Task<string[]> Find(string query) => [.. (await client.Get($"/v1/fine_tuning/jobs?{query}"))["data"]!.AsArray().Select(job => (string)job!["id"]!)];
        string both = await Create(new { team = "red", stage = "one" }), red = await Create(new { team = "red" });
        Assert.Equal([red, both], await Find("metadata[team]=red"));
        Assert.Equal([both, red], await Find("metadata[team]=red&order=asc"));
        Assert.Equal([both], await Find("metadata[team]=red&metadata[stage]=one"));
        Assert.Empty(await Find("metadata[team]=blue"));
        Assert.Empty(await Find("metadata[a%27b]=red"));
    }
}
