using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using FineTuneService.Data;
using FineTuneService.FineTuningJobs;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace FineTuneService.Tests.FineTuningJobs;

/// <summary>A job's events as a stream: of a job that no worker touches, so that only the test writes to it.</summary>
public sealed class JobEventStreamTests(TestService service) : IClassFixture<TestService>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Stream_ResumedAfterAnId_GoesOnWithoutGapOrRepeat()
    {
        (HttpClient client, string job) = await Job("resumes", events: 450, bytes: 10, JobStatus.Succeeded);
        string[] whole = await Ids(client, job, null);
        Assert.Equal(450, whole.Length);
        Assert.Equal(whole[300..], await Ids(client, job, whole[299]));
        await client.SendAsync(Request(job, "ftevent-none"), Cancel).Error(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Stream_WaitingForEvents_IsWokenByACommitAndEndsWithTheJob()
    {
        (HttpClient client, string job) = await Job("woken", events: 1, bytes: 10, JobStatus.Queued);
        using HttpResponseMessage answer = await client.SendAsync(Request(job, null), HttpCompletionOption.ResponseHeadersRead, Cancel);
        using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync(Cancel));
        await Until(lines, "id: ftevent-woken1");
        await Write(job, row => row.Step = 1, "in a transaction");
        await Until(lines, "in a transaction");
        await Write(job, row => (row.Status, row.ClaimId) = (JobStatus.Cancelled, null), "the end");
        await Until(lines, "the end");
        await Until(lines, "[DONE]");
        Assert.Null((await lines.ReadToEndAsync(Cancel)).Trim() is { Length: > 0 } more ? more : null);
    }

    [Fact]
    public async Task Streams_ThatWait_AskTheDatabaseNothing()
    {
        const int streams = 100;
        (HttpClient client, string job) = await Job("idle", events: 3, bytes: 10, JobStatus.Queued);
        var open = new List<HttpResponseMessage>();
        for (int i = 0; i < streams; i++) open.Add(await client.SendAsync(Request(job, null), HttpCompletionOption.ResponseHeadersRead, Cancel));
        await Task.Delay(TimeSpan.FromSeconds(1), Cancel);
        using var commands = new CommandCount();
        await Task.Delay(TimeSpan.FromSeconds(3), Cancel);
        // The workers look at their queues once a second; a stream that polled would ask many times by itself.
        Assert.InRange(commands.Seen, 0, streams / 2);
        open.ForEach(answer => answer.Dispose());
    }

    [Fact]
    public async Task Streams_OfManyLargeEvents_StayFlatInMemory()
    {
        const int readers = 6, events = 10_000, bytes = 4_000;
        (HttpClient client, string job) = await Job("large", events, bytes, JobStatus.Succeeded);
        long before = GC.GetTotalMemory(forceFullCollection: true), most = 0;
        using var reading = new CancellationTokenSource();
        Task sampling = Task.Run(async () =>
        {
            for (; !reading.IsCancellationRequested; await Task.Delay(20)) most = Math.Max(most, GC.GetTotalMemory(forceFullCollection: true) - before);
        }, Cancel);
        int[] counts = await Task.WhenAll(Enumerable.Range(0, readers).Select(_ => Task.Run(() => Count(client, job))));
        await reading.CancelAsync();
        await sampling;
        Assert.All(counts, count => Assert.Equal(events, count));
        // One reader's events are 80 MB as strings.
        Assert.InRange(most, 0, 60 << 20);
    }

    private static HttpRequestMessage Request(string job, string? after)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/fine_tuning/jobs/{job}/events") { Headers = { { "Accept", "text/event-stream" } } };
        if (after is not null) request.Headers.Add("Last-Event-ID", after);
        return request;
    }

    private static async Task<string[]> Ids(HttpClient client, string job, string? after)
    {
        using HttpResponseMessage answer = await client.SendAsync(Request(job, after), Cancel);
        string[] events = (await answer.Content.ReadAsStringAsync(Cancel)).Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("data: [DONE]", events[^1]);
        return [.. events[..^1].Select(text =>
        {
            string[] lines = text.Split('\n');
            string data = lines.Single(line => line.StartsWith("data: ", StringComparison.Ordinal)), id = lines.Single(line => line.StartsWith("id: ", StringComparison.Ordinal));
            Assert.Equal(id, $"id: {JsonNode.Parse(data["data: ".Length..])!["id"]}");
            return id["id: ".Length..];
        })];
    }

    private static async Task<int> Count(HttpClient client, string job)
    {
        using HttpResponseMessage answer = await client.SendAsync(Request(job, null), HttpCompletionOption.ResponseHeadersRead, Cancel);
        using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync(Cancel));
        int count = 0;
        for (string? line = ""; line is not null; line = await lines.ReadLineAsync(Cancel))
        {
            if (line.StartsWith("id: ", StringComparison.Ordinal)) count++;
        }
        return count;
    }

    private static async Task Until(StreamReader lines, string text)
    {
        while (!(await lines.ReadLineAsync(Cancel) ?? throw new EndOfStreamException()).Contains(text, StringComparison.Ordinal)) { }
    }

    private async Task<(HttpClient, string)> Job(string tenant, int events, int bytes, string status)
    {
        HttpClient client = service.With(await service.NewTenant(tenant));
        string id = $"ftjob-{tenant}";
        await using AsyncServiceScope scope = service.Services.GetRequiredService<IServiceScopeFactory>().SystemScope(out FineTuneDbContext db);
        db.Jobs.Add(new FineTuningJob
        {
            Id = id,
            TenantId = tenant,
            Status = status,
            Model = TestService.BaseModel,
            TrainingFile = "file-none",
            Settings = "{}",
            ClaimId = "a worker elsewhere",
            ClaimExpiresAt = long.MaxValue,
        });
        await db.SaveChangesAsync(Cancel);
        await db.Database.ExecuteSqlAsync($"""
            WITH RECURSIVE counter(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < {events})
            INSERT INTO job_events ("Id", "TenantId", "JobId", "Level", "Type", "Message", "CreatedAt")
            SELECT 'ftevent-' || {tenant} || n, {tenant}, {id}, 'info', 'message', hex(zeroblob({bytes / 2})), 0 FROM counter
            """, Cancel);
        return (client, id);
    }

    /// <summary>Changes the job and adds an event in one transaction, as a claim's holder does.</summary>
    private async Task Write(string job, Action<FineTuningJob> change, string message)
    {
        await using AsyncServiceScope scope = service.Services.GetRequiredService<IServiceScopeFactory>().SystemScope(out FineTuneDbContext db);
        await using var transaction = await db.Database.BeginTransactionAsync(Cancel);
        FineTuningJob row = await db.Jobs.FirstAsync(found => found.Id == job, Cancel);
        change(row);
        db.Say(row, TimeProvider.System, message);
        await db.SaveChangesAsync(Cancel);
        await transaction.CommitAsync(Cancel);
    }

    /// <summary>Counts what Entity Framework asks the database, from now on.</summary>
    private sealed class CommandCount : IObserver<DiagnosticListener>, IObserver<KeyValuePair<string, object?>>, IDisposable
    {
        private readonly List<IDisposable> _subscriptions = [];
        private int _seen;

        public CommandCount() => _subscriptions.Add(DiagnosticListener.AllListeners.Subscribe(this));

        public int Seen => Volatile.Read(ref _seen);

        public void OnNext(DiagnosticListener listener)
        {
            if (listener.Name == DbLoggerCategory.Name) _subscriptions.Add(listener.Subscribe(this));
        }

        public void OnNext(KeyValuePair<string, object?> happened)
        {
            if (happened.Key == "Microsoft.EntityFrameworkCore.Database.Command.CommandExecuting") Interlocked.Increment(ref _seen);
        }

        public void OnCompleted()
        {
        }

        public void OnError(Exception error)
        {
        }

        public void Dispose() => _subscriptions.ForEach(subscription => subscription.Dispose());
    }
}
