using System.Text.Json.Nodes;
using FineTuneService.Tests.FineTuningJobs;

namespace FineTuneService.Tests.Receipts;

/// <summary>A receipt is worth what another machine makes of it. Here it is another process, with a data directory, a copy of the base and a name for it of its own.</summary>
[Waits]
public sealed class ReplayTests(TestService service) : IClassFixture<TestService>
{
    [Fact]
    public async Task Replay_OfAReceiptByAnotherService_GivesTheSameAdapterHash()
    {
        string rows = JobCalls.Rows(10);
        HttpClient here = service.With(await service.NewTenant("replayed"));
        JsonNode receipt = await Trained(here, await here.Upload(rows), TestService.BaseModel, new { max_steps = 4, batch_size = 2, learning_rate = 0.003 }, seed: 17);

        using var data = new DataFolder();
        using var elsewhere = new ServiceProcess(data);
        using HttpClient admin = await elsewhere.Client(TestService.AdminKey);
        await admin.Post("/v1/models", new { id = "copied", folder = Copy(Path.Combine(data.Path, "copy")) });
        await admin.Post("/v1/tenants", new { id = "acme" });
        using HttpClient there = await elsewhere.Client((string)(await admin.Post("/v1/api_keys", new { tenant = "acme" }))["key"]!);
        // All that the receipt says of the run, and nothing else.
        JsonNode settings = receipt["settings"]!;
        JsonNode replayed = await Trained(there, await there.Upload(rows), "copied",
            new { max_steps = (int)receipt["steps"]!, batch_size = (int)settings["batch_size"]!, learning_rate = (double)settings["learning_rate"]! }, (long)receipt["seed"]!);

        Assert.Equal((string)receipt["adapter"]!["files"]!["adapter_model.safetensors"]!, (string)replayed["adapter"]!["files"]!["adapter_model.safetensors"]!);
        Assert.Equal((string)receipt["base"]!["sha256"]!, (string)replayed["base"]!["sha256"]!);
        foreach (string same in new[] { "data", "code", "machine", "settings" }) Assert.True(JsonNode.DeepEquals(receipt[same], replayed[same]), $"{same}: {receipt[same]} and {replayed[same]}");
        Assert.NotEqual((string)receipt["signature"]!["public_key"]!, (string)replayed["signature"]!["public_key"]!);
    }

    private static async Task<JsonNode> Trained(HttpClient client, string file, string model, object training, long seed)
    {
        string job = (string)(await client.Post("/v1/fine_tuning/jobs", new { model, training_file = file, seed, training }))["id"]!;
        return await client.Get($"/v1/models/{(await client.Ended(job))["fine_tuned_model"]}/receipt");
    }

    private static string Copy(string folder)
    {
        Directory.CreateDirectory(folder);
        foreach (string path in Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "BaseModel", TestService.BaseModel))) File.Copy(path, Path.Combine(folder, Path.GetFileName(path)));
        return folder;
    }
}
