using System.Net.Http.Json;
using System.Text.Json.Nodes;
using FineTuneService.Tests.Models;

namespace FineTuneService.Tests.FineTuningJobs;

/// <summary>The bases and their limits.</summary>
public sealed class TunableModelsTests(TestService service) : IClassFixture<TestService>
{
    private const string Models = "/v1/fine_tuning/models";

    [Fact]
    public async Task List_MemoryForSomePrecisionsOnly_SaysWhichJobsAreTaken()
    {
        JsonNode roomy = (await service.With(await service.NewTenant("roomy")).Get(Models))["data"]!.AsArray().Single(model => (string)model!["id"]! == TestService.BaseModel)!;
        long[] bytes = [.. roomy["quantization"]!.AsArray().Select(precision => (long)precision!["least_bytes"]!)];
        using var narrow = new TestService { Options = new Dictionary<string, string> { ["MaxJobSteps"] = "500", ["DeviceMemory"] = $"{(bytes.Min() + bytes.Max()) / 2}" } };
        HttpClient client = narrow.With(await narrow.NewTenant("limits"));
        JsonNode model = Assert.Single((await client.Get(Models))["data"]!.AsArray())!;
        Assert.Equal((TestService.BaseModel, 500, true), ((string)model["id"]!, (int)model["max_steps"]!, (bool)model["has_chat_template"]!));
        string file = await client.Upload(JobCalls.Rows(10));
        JsonNode estimate = await client.Post("/v1/fine_tuning/jobs/estimate", new { model = TestService.BaseModel, training_file = file });
        Assert.Equal((long)estimate["total_parameters"]! - (long)estimate["trainable_parameters"]!, (long)model["parameters"]!);
        var fits = new HashSet<bool>();
        foreach (JsonNode? precision in model["quantization"]!.AsArray())
        {
            fits.Add((bool)precision!["fits"]!);
            Assert.True((long)precision["least_bytes"]! > (long)precision["base_bytes"]!);
            var job = new { model = TestService.BaseModel, training_file = file, quantization = new { type = (string)precision["type"]! } };
            HttpResponseMessage created = await client.PostAsJsonAsync("/v1/fine_tuning/jobs", job);
            Assert.True(created.IsSuccessStatusCode == (bool)precision["fits"]!, $"{precision} {await created.Content.ReadAsStringAsync()}");
            if (created.IsSuccessStatusCode) await client.PostAsync($"/v1/fine_tuning/jobs/{JsonNode.Parse(await created.Content.ReadAsStringAsync())!["id"]}/cancel", null);
        }
        Assert.Equal(2, fits.Count);
    }

    [Fact]
    public async Task List_DamagedBase_SaysSoAndListsTheRest()
    {
        using var folder = new BaseFolder();
        await service.Admin.Post("/v1/models", new { id = "damaged", folder = folder.Path });
        HttpClient client = service.With(await service.NewTenant("damages"));
        JsonArray before = (await client.Get(Models))["data"]!.AsArray();
        Assert.All(before, model => Assert.Null(model!["error"]));
        File.Delete(folder.In("config.json"));
        JsonArray after = (await client.Get(Models))["data"]!.AsArray();
        Assert.Equal(before.Select(model => (string)model!["id"]!), after.Select(model => (string)model!["id"]!));
        Assert.Contains("config.json", (string)after.Single(model => (string)model!["id"]! == "damaged")!["error"]!);
        await service.Admin.DeleteAsync("/v1/models/damaged");
    }
}
