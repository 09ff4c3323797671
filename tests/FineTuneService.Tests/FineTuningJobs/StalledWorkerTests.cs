using FineTuneService.Data;
using FineTuneService.FineTuningJobs;
using FineTuneService.Hosting;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace FineTuneService.Tests.FineTuningJobs;

/// <summary>Two workers on one store: a process whose clock stands still (SIGSTOP) for longer than its claim holds, and this one.</summary>
[Waits]
public sealed class StalledWorkerTests
{
    private const string ClaimSeconds = "2";

    [Fact]
    public async Task Worker_WokenAfterItsJobWasTaken_WritesNothingAndTheJobEndsAsIfUndisturbed()
    {
        using var data = new DataFolder();
        using var stalled = new ServiceProcess(data, ("FineTune__ClaimSeconds", ClaimSeconds));
        using HttpClient admin = await stalled.Client(TestService.AdminKey);
        await admin.Post("/v1/tenants", new { id = "acme" });
        using HttpClient client = await stalled.Client((string)(await admin.Post("/v1/api_keys", new { tenant = "acme" }))["key"]!);
        string file = await client.Upload(JobCalls.Rows(20));
        object training = new { max_steps = 120, batch_size = 2, save_every = 10, eval_every = 0 };
        byte[] undisturbed = await client.Weights(await client.Train(file, training));
        string job = await client.Train(file, training);
        await client.WaitForStep(job, 12);

        await using ServiceProvider provider = OnStoreOf(data);
        await using JobClaim taken = await TakeFrom(stalled, Queue(provider), TimeSpan.FromSeconds(30));
        Assert.Equal(job, taken.Job.Id);
        Assert.True(await taken.Write((db, row) => db.Say(row, TimeProvider.System, "taken by another worker")));
        (int events, int checkpoints, string? claim) before = Rows(provider, job);
        stalled.Continue();
        await stalled.Logged("this one writes nothing more");
        await Task.Delay(500, TestContext.Current.CancellationToken); // As long as a worker that does not mind would need for some steps.
        Assert.Equal(before, Rows(provider, job));
        Assert.Equal(taken.Id, before.claim);

        Assert.True(await taken.Release(failed: false, TestContext.Current.CancellationToken));
        Assert.Equal(undisturbed, await client.Weights(job));
        Assert.Equal(Enumerable.Range(1, 120), (await client.AllEvents(job)).Steps().Order());
    }

    /// <summary>Stalls the worker, at a moment at which it does not hold the database, until its claim has run out and this one has the job.</summary>
    private static async Task<JobClaim> TakeFrom(ServiceProcess worker, JobQueue queue, TimeSpan longest)
    {
        using var giveUp = new CancellationTokenSource(longest);
        while (true)
        {
            worker.Stall();
            try
            {
                while (true)
                {
                    if (await queue.Take(giveUp.Token, JobStatus.Running) is { } claim) return claim;
                    await Task.Delay(100, giveUp.Token);
                }
            }
            catch (Exception held) when (StorageFaults.Of(held) == StorageFault.Busy)
            {
                worker.Continue();
                await Task.Delay(50, giveUp.Token);
            }
        }
    }

    private static (int Events, int Checkpoints, string? Claim) Rows(ServiceProvider provider, string job)
    {
        using AsyncServiceScope scope = provider.GetRequiredService<IServiceScopeFactory>().SystemScope(out FineTuneDbContext db);
        return (db.JobEvents.Count(row => row.JobId == job), db.Checkpoints.Count(row => row.JobId == job), db.Jobs.Where(row => row.Id == job).Select(row => row.ClaimId).Single());
    }

    private static ServiceProvider OnStoreOf(DataFolder data) => new ServiceCollection().AddScoped<CurrentTenant>()
        .AddDbContext<FineTuneDbContext>(options => options.UseSqlite($"Data Source={Path.Combine(data.Path, Database.FileName)}")).BuildServiceProvider();

    private static JobQueue Queue(ServiceProvider provider) => new(
        provider.GetRequiredService<IServiceScopeFactory>(), Options.Create(new FineTuneOptions { ClaimSeconds = int.Parse(ClaimSeconds) }), new JobSignal(), TimeProvider.System, NullLogger<JobClaim>.Instance);
}
