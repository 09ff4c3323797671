namespace FineTuneService.FineTuningJobs;

/// <summary>Wakes the worker. The rows are the queue: a signal that is lost costs a moment, never a job.</summary>
public sealed class JobSignal
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(1);
    private readonly SemaphoreSlim _validate = new(0), _train = new(0);

    public void Created() => _validate.Release();

    public void Queued() => _train.Release();

    /// <summary>Told the job's id when a client has asked something of it.</summary>
    public event Action<string>? Wished;

    /// <summary>A client has asked that the job end or rest: whoever works on it looks now.</summary>
    public void Wish(string jobId) => Wished?.Invoke(jobId);

    public Task WaitToValidate(CancellationToken cancel) => _validate.WaitAsync(LongestWait, cancel);

    public Task WaitToTrain(CancellationToken cancel) => _train.WaitAsync(LongestWait, cancel);
}
