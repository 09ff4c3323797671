using System.Text.Json.Nodes;
using FineTuneService.Data;
using FineTuneService.FineTuningJobs;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;

namespace FineTuneService.Tests.FineTuningJobs;

/// <summary>A job while another process holds the database, and for what it came to while the disk is full.</summary>
[Waits]
public sealed class LockedDatabaseTests : IDisposable
{
    private const int Steps = 160;
    private readonly TestService _service = new() { Options = new Dictionary<string, string> { ["ClaimSeconds"] = "2" } };

    [Fact]
    public async Task Job_DatabaseLockedForLongerThanTheClaim_StopsResumesAndLosesNothing()
    {
        HttpClient client = _service.With(await _service.NewTenant("locked"));
        string file = await client.Upload(JobCalls.Rows(40));
        var training = new { max_steps = Steps, batch_size = 2, save_every = 50 };
        string job = await client.Train(file, training);
        await client.WaitForStep(job, 5);
        Assert.Equal("running", (string?)(await client.Get($"/v1/fine_tuning/jobs/{job}"))["status"]);
        using (Lock()) await Task.Delay(TimeSpan.FromSeconds(6));
        byte[] disturbed = await client.Weights(job);
        List<JsonNode> events = await client.AllEvents(job);
        Assert.Equal(Enumerable.Range(1, Steps), events.Steps());
        Assert.Equal(await client.Weights(await client.Train(file, training)), disturbed);
    }

    [Fact]
    public async Task Cancel_AfterTheDatabaseWasLocked_IsSeen()
    {
        HttpClient client = _service.With(await _service.NewTenant("locked-cancel"));
        string job = await client.Train(await client.Upload(JobCalls.Rows(40)), new { max_steps = 100_000, batch_size = 1 });
        await client.WaitForStep(job, 5);
        using (Lock()) await Task.Delay(TimeSpan.FromSeconds(4));
        await client.PostAsync($"/v1/fine_tuning/jobs/{job}/cancel", null);
        Assert.Equal("cancelled", (string?)(await client.Ended(job))["status"]);
    }

    [Fact]
    public async Task WriteSurely_DatabaseThatFailsTwice_WritesOnceItCan()
    {
        JobClaim claim = await Claim();
        int tries = 0;
        bool written = await claim.WriteSurely((_, job) =>
        {
            if (++tries < 3) throw new SqliteException("database or disk is full", 13);
            job.Step = 7;
        }, CancellationToken.None);
        Assert.True(written);
        Assert.Equal(3, tries);
        await claim.DisposeAsync();
    }

    [Fact]
    public async Task WriteSurely_AnothersClaim_WritesNothing()
    {
        JobClaim claim = await Claim();
        await using (AsyncServiceScope scope = _service.Services.GetRequiredService<IServiceScopeFactory>().SystemScope(out FineTuneDbContext db))
        {
            db.Jobs.Single(job => job.Id == claim.Job.Id).ClaimId = "another's";
            db.SaveChanges();
        }
        Assert.False(await claim.WriteSurely((_, job) => job.Step = 7, CancellationToken.None));
        Assert.True(claim.Lost && claim.StopRequested);
        await claim.DisposeAsync();
    }

    [Fact]
    public async Task Claim_DatabaseLockedForLonger_ExpiresAndComesBack()
    {
        JobClaim claim = await Claim();
        using (Lock())
        {
            await Task.Delay(TimeSpan.FromSeconds(3));
            Assert.True(claim.Expired && claim.StopRequested && !claim.Lost);
        }
        for (int i = 0; claim.Expired && i < 200; i++) await Task.Delay(100);
        Assert.False(claim.StopRequested);
        await claim.DisposeAsync();
    }

    [Fact]
    public async Task Job_AdapterCannotBeSavedForAWhile_IsKeptUntilItCan()
    {
        HttpClient client = _service.With(await _service.NewTenant("full"));
        string file = await client.Upload(JobCalls.Rows(10)), blocked = Path.Combine(_service.Data, "adapters", "full");
        File.WriteAllText(blocked, "a file where the folder should be, as a disk that does not take it");
        string job = await client.Train(file, new { max_steps = 3, batch_size = 2 });
        await client.WaitForStep(job, 3);
        await Task.Delay(TimeSpan.FromSeconds(3));
        Assert.Equal("running", (string?)(await client.Get($"/v1/fine_tuning/jobs/{job}"))["status"]);
        File.Delete(blocked);
        byte[] kept = await client.Weights(job);
        Assert.Equal(await client.Weights(await client.Train(file, new { max_steps = 3, batch_size = 2 })), kept);
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(_service.Data, "tmp")));
    }

    public void Dispose() => _service.Dispose();

    /// <summary>A claim on a job that the worker itself does not take: its status is none that it looks for.</summary>
    private async Task<JobClaim> Claim()
    {
        const string status = "held_by_the_test";
        await using AsyncServiceScope scope = _service.Services.GetRequiredService<IServiceScopeFactory>().SystemScope(out FineTuneDbContext db);
        db.Jobs.Add(new FineTuningJob { Id = "ftjob-held", TenantId = "t", Status = status, Model = "m", TrainingFile = "f", Settings = "{}" });
        db.SaveChanges();
        return (await _service.Services.GetRequiredService<JobQueue>().Take(CancellationToken.None, status))!;
    }

    private Held Lock() => new(Path.Combine(_service.Data, "finetune.db"));

    private sealed class Held : IDisposable
    {
        private readonly SqliteConnection _connection;

        public Held(string path)
        {
            _connection = new SqliteConnection($"Data Source={path};Pooling=False");
            _connection.Open();
            Execute("BEGIN IMMEDIATE");
        }

        public void Dispose()
        {
            Execute("ROLLBACK");
            _connection.Dispose();
        }

        private void Execute(string sql)
        {
            using SqliteCommand command = _connection.CreateCommand();
            command.CommandText = sql;
            command.ExecuteNonQuery();
        }
    }
}
