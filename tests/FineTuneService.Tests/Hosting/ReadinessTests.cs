using System.Net;
using FineTuneService.Data;
using FineTuneService.Device;
using FineTuneService.Hosting;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace FineTuneService.Tests.Hosting;

/// <summary>/readyz tries what work needs.</summary>
public sealed class ReadinessTests(TestService service) : IClassFixture<TestService>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Ready_DatabaseHeldByAnother_Is503UntilItIsFree()
    {
        await Becomes(HttpStatusCode.OK);
        using var holder = new SqliteConnection($"Data Source={Path.Combine(service.Data, "finetune.db")};Pooling=False");
        holder.Open();
        using SqliteCommand command = holder.CreateCommand();
        command.CommandText = "BEGIN IMMEDIATE";
        command.ExecuteNonQuery();
        Assert.Contains("Another process holds the database", await Becomes(HttpStatusCode.ServiceUnavailable));
        command.CommandText = "ROLLBACK";
        command.ExecuteNonQuery();
        await Becomes(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Ready_DirectoryTakesNoFile_Is503UntilItDoes()
    {
        await Becomes(HttpStatusCode.OK);
        string folder = Path.Combine(service.Data, "tmp");
        Directory.Move(folder, folder + "-away");
        Assert.Contains("FineTune:DataDirectory", await Becomes(HttpStatusCode.ServiceUnavailable));
        Directory.Move(folder + "-away", folder);
        await Becomes(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Problem_DeviceThreadStandsStill_IsSaidOnceItsLimitIsOver()
    {
        var clock = new ManualClock();
        using var lease = new DeviceLease(Options.Create(new FineTuneOptions()), clock);
        var readiness = new Readiness(service.Services.GetRequiredService<DataDirectory>(), lease, clock, NullLogger<Readiness>.Instance);
        using var gate = new ManualResetEventSlim();
        Task held = lease.Serve("test", () => gate.Wait(TimeSpan.FromMinutes(1)));
        try
        {
            while (lease.Holder is null) await Task.Delay(10, Cancel);
            clock.Advance(TimeSpan.FromSeconds(5));
            Assert.Null(await readiness.Problem());
            clock.Advance(TimeSpan.FromMinutes(1));
            Assert.Contains("device's thread", await readiness.Problem());
        }
        finally
        {
            gate.Set();
        }
        await held;
        await lease.Serve("test", () => true, Cancel);
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Null(await readiness.Problem());
    }

    /// <returns>The body, once /readyz has this status.</returns>
    private async Task<string> Becomes(HttpStatusCode status)
    {
        using HttpClient client = service.CreateClient();
        while (true)
        {
            using HttpResponseMessage answer = await client.GetAsync("/readyz", Cancel);
            if (answer.StatusCode == status) return await answer.Content.ReadAsStringAsync(Cancel);
            await Task.Delay(100, Cancel);
        }
    }

    private sealed class ManualClock : TimeProvider
    {
        private TimeSpan _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now.Ticks;

        public void Advance(TimeSpan by) => _now += by;
    }
}
