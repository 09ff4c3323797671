namespace FineTuneService.Tests.FineTuningJobs;

public sealed class JobFoldersTests
{
    [Fact]
    public async Task Start_CheckpointsThatNoUnfinishedJobNeeds_AreCollected()
    {
        using var service = new TestService();
        string orphan = Path.Combine(service.Data, "jobs", "ftjob-of-nobody", "step-000001");
        Directory.CreateDirectory(orphan);
        HttpClient client = service.With(await service.NewTenant("collects"));
        string job = await client.Train(await client.Upload(JobCalls.Rows(5)), new { max_steps = 2, save_every = 1 });
        await client.Weights(job);
        for (int i = 0; Directory.GetFileSystemEntries(Path.Combine(service.Data, "jobs")).Length > 0 && i < 100; i++) await Task.Delay(100);
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(service.Data, "jobs")));
    }
}
