using System.Collections.Concurrent;
using FineTuneService.Data;
using FineTuneService.Engine.Formats;

namespace FineTuneService.Hub;

/// <summary>Downloads bases in the background, two at once; a start goes on with those that the last process left.</summary>
internal sealed class HubDownloads(HubStore store, HubRun run, DataDirectory directory, TimeProvider clock, ILogger<HubDownloads> log) : BackgroundService
{
    private const int AtOnce = 2;
    private static readonly TimeSpan Told = TimeSpan.FromSeconds(2), Pause = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, UnderWay> _running = new();
    private readonly SemaphoreSlim _turns = new(AtOnce);
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>Bytes that have arrived; null where it does not run.</summary>
    public long? BytesOf(string id) => _running.TryGetValue(id, out UnderWay? running) ? Math.Max(0, Interlocked.Read(ref running.Bytes)) : null;

    /// <summary>The same of all that run now.</summary>
    public IReadOnlyDictionary<string, long> BytesNow() => _running.ToDictionary(running => running.Key, running => Math.Max(0, Interlocked.Read(ref running.Value.Bytes)));

    /// <summary>Begins a row's download, unless it is under way.</summary>
    public void Begin(HubDownload row)
    {
        var running = new UnderWay(CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token));
        if (_running.TryAdd(row.Id, running)) _ = Task.Run(() => Work(row, running), CancellationToken.None);
        else running.Cancel.Dispose();
    }

    /// <summary>Ends a download whose row is gone, and removes what has arrived.</summary>
    public async Task Forget(HubDownload row)
    {
        if (_running.TryGetValue(row.Id, out UnderWay? running))
        {
            await running.Cancel.CancelAsync();
            await running.Ended.Task;
        }
        RemoveFiles(row);
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await base.StopAsync(cancellationToken);
        await Task.WhenAll(_running.Values.Select(running => running.Ended.Task)).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public override void Dispose()
    {
        base.Dispose();
        _stopping.Cancel(); // As the base does: of two that end the host at once, one may stop what the other has disposed of.
        _turns.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                foreach (HubDownload left in await store.UnderWay(stopping)) Begin(left);
                return;
            }
            catch (Exception failure) when (failure is not OperationCanceledException)
            {
                log.LogWarning(failure, "Downloads that an earlier process left could not be looked for; it is tried again");
                await Task.Delay(Pause, clock, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task Work(HubDownload row, UnderWay running)
    {
        try
        {
            await _turns.WaitAsync(running.Cancel.Token);
            try
            {
                await Download(row, running);
            }
            finally
            {
                _turns.Release();
            }
        }
        catch (OperationCanceledException)
        {
            // It was deleted; or the service ends, and the next start goes on.
        }
        finally
        {
            _running.TryRemove(row.Id, out _);
            running.Ended.SetResult();
            running.Cancel.Dispose();
        }
    }

    private async Task Download(HubDownload row, UnderWay running)
    {
        CancellationToken cancel = running.Cancel.Token;
        string commit = row.Commit ?? "";
        long told = clock.GetTimestamp();
        async Task Found(string of, long? total, long has)
        {
            commit = of;
            if (total is not null) Interlocked.Exchange(ref running.Bytes, has);
            await Surely(() => store.Progress(row, of, total, Interlocked.Read(ref running.Bytes)), cancel);
        }
        void Arrived(long bytes)
        {
            Interlocked.Add(ref running.Bytes, bytes);
            if (clock.GetElapsedTime(told) < Told) return;
            told = clock.GetTimestamp();
            _ = Note(row, commit, Interlocked.Read(ref running.Bytes));
        }
        try
        {
            string model = await run.Download(row, Found, Arrived, cancel);
            bool wanted = await Surely(() => store.Ready(row, model, Interlocked.Read(ref running.Bytes)), cancel);
            if (wanted) log.LogInformation("The base {Model} has come from {Repo} at {Commit}", row.Id, row.Repo, commit);
        }
        catch (HubException refused)
        {
            log.LogWarning("The base {Model} did not come from {Repo}: {Reason}", row.Id, row.Repo, refused.Message);
            await Fail(row, refused.Problem, anew: !refused.KeepsFiles, running, cancel);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            log.LogError(failure, "The base {Model} could not be downloaded", row.Id);
            await Fail(row, new HubProblem("server_error", "The service failed while it downloaded this base; its log says why. Register it again."), anew: false, running, cancel);
        }
    }

    private async Task Fail(HubDownload row, HubProblem problem, bool anew, UnderWay running, CancellationToken cancel)
    {
        if (anew) RemoveFiles(row);
        await Surely(() => store.Fail(row, problem, anew, Interlocked.Read(ref running.Bytes)), cancel);
    }

    /// <summary>Progress that is not written is written a little later.</summary>
    private async Task Note(HubDownload row, string commit, long bytes)
    {
        try
        {
            await store.Progress(row, commit, null, bytes);
        }
        catch (Exception failure)
        {
            log.LogDebug(failure, "The progress of {Model} was not written", row.Id);
        }
    }

    /// <summary>Writes, and tries again while the database is locked or the disk full.</summary>
    private async Task<bool> Surely(Func<Task<bool>> write, CancellationToken cancel)
    {
        for (bool said = false; ; said = true)
        {
            try
            {
                return await write();
            }
            catch (Exception failure) when (StorageTrouble.Passes(failure))
            {
                if (!said) log.LogWarning(failure, "A download's row cannot be written; it is tried again");
                await Task.Delay(Pause, clock, cancel);
            }
        }
    }

    private void RemoveFiles(HubDownload row)
    {
        string folder = Path.Combine(directory.Hub, row.Folder);
        try
        {
            if (Directory.Exists(folder)) Durable.Remove(folder);
        }
        catch (Exception kept) when (kept is IOException or UnauthorizedAccessException)
        {
            log.LogWarning("What has arrived of {Model} cannot be removed; the next start tries again: {Reason}", row.Id, kept.Message);
        }
    }

    /// <summary>A download that runs, or waits for its turn.</summary>
    private sealed class UnderWay(CancellationTokenSource cancel)
    {
        /// <summary>That have arrived, earlier ones included.</summary>
        public long Bytes;

        public CancellationTokenSource Cancel => cancel;

        public TaskCompletionSource Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
