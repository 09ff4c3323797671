using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace FineTuneService.Tests.FineTuningJobs;

/// <summary>A job keeps its files' bytes until it ends, whatever becomes of the files.</summary>
public sealed class JobFilesTests(TestService service) : IClassFixture<TestService>
{
    [Fact]
    public async Task Job_FilesDeletedWhileItWaitsOrRuns_EndsAsIfTheyWereThere()
    {
        HttpClient client = service.With(await service.NewTenant("deletes"));
        var training = new { max_steps = 60, batch_size = 2, eval_every = 30 };
        string file = await client.Upload(JobCalls.Rows(20)), validation = await client.Upload(JobCalls.Rows(5));
        string before = await client.Train(file, training, validation), running = await client.Train(file, training, validation), queued = await client.Train(file, training, validation);
        await client.WaitForStep(before, 1);
        foreach (string id in new[] { file, validation }) Assert.True((await client.DeleteAsync($"/v1/files/{id}")).IsSuccessStatusCode);
        byte[][] weights = [await client.Weights(before), await client.Weights(running), await client.Weights(queued)];
        Assert.All(weights, trained => Assert.Equal(weights[0], trained));
        JsonNode ended = await client.Get($"/v1/fine_tuning/jobs/{queued}");
        Assert.NotNull(ended["progress"]!["validation_loss"]);
        string blobs = Path.Combine(service.Data, "blobs", "deletes");
        // What stays are the jobs' own files of metrics, whose bytes may be the same.
        HashSet<string> results = [];
        foreach (string job in new[] { before, running, queued })
            results.Add(Convert.ToHexStringLower(SHA256.HashData(await client.GetByteArrayAsync($"/v1/files/{(await client.Get($"/v1/fine_tuning/jobs/{job}"))["result_files"]![0]}/content"))));
        for (int i = 0; Directory.GetFiles(blobs).Length > results.Count && i < 100; i++) await Task.Delay(50);
        Assert.Equal(results.Order(), Directory.GetFiles(blobs).Select(path => Path.GetFileName(path)!).Order());
    }

    [Fact]
    public async Task Job_Ended_LeavesBytesThatAFileHas()
    {
        HttpClient client = service.With(await service.NewTenant("keeps"));
        string file = await client.Upload(JobCalls.Rows(20));
        await client.Weights(await client.Train(file, new { max_steps = 2 }));
        Assert.Equal(JobCalls.Rows(20), await client.GetStringAsync($"/v1/files/{file}/content"));
    }
}
