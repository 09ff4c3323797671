using Microsoft.EntityFrameworkCore.Storage;
using Polly;
using Polly.Retry;

namespace FineTuneService.Data;

/// <summary>
/// Waits for another writer: SQLite answers busy or locked where a second connection holds the database, and what was asked is tried
/// again, after a little longer each time, for some five seconds in all. Nobody waits on a thread meanwhile, so a database that is
/// locked for long does not keep requests that need none from being answered.
/// </summary>
internal sealed class SqliteRetry(ExecutionStrategyDependencies dependencies, DiskSpace disk) : IExecutionStrategy
{
    /// <summary>A full disk is tried again only as often as the reserve needs to be given up (see <see cref="DiskSpace"/>).</summary>
    private const int TriesOnFullDisk = 2;

    public static readonly ResiliencePipeline Pipeline = new ResiliencePipelineBuilder()
        .AddRetry(new RetryStrategyOptions
        {
            ShouldHandle = failed => ValueTask.FromResult(StorageFaults.Of(failed.Outcome.Exception) switch
            {
                StorageFault.Busy when failed.Outcome.Exception is StorageException => false, // Whoever waited for its turn in vain has waited enough.
                StorageFault.Busy => true,
                StorageFault.Full => failed.AttemptNumber < TriesOnFullDisk,
                _ => false,
            }),
            MaxRetryAttempts = 30,
            Delay = TimeSpan.FromMilliseconds(10),
            MaxDelay = TimeSpan.FromMilliseconds(200),
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
        })
        .Build();

    public bool RetriesOnFailure => true;

    /// <summary>Inside a transaction one statement alone cannot be tried again: whoever began the transaction tries the whole.</summary>
    private bool IsPartOfTransaction => dependencies.CurrentContext.Context.Database.CurrentTransaction is not null;

    public TResult Execute<TState, TResult>(
        TState state, Func<Microsoft.EntityFrameworkCore.DbContext, TState, TResult> operation,
        Func<Microsoft.EntityFrameworkCore.DbContext, TState, ExecutionResult<TResult>>? verifySucceeded)
    {
        TResult Once()
        {
            try
            {
                return operation(dependencies.CurrentContext.Context, state);
            }
            catch (Exception failure)
            {
                disk.Relieve(failure);
                throw;
            }
        }
        return IsPartOfTransaction ? Once() : Pipeline.Execute(Once);
    }

    public async Task<TResult> ExecuteAsync<TState, TResult>(
        TState state, Func<Microsoft.EntityFrameworkCore.DbContext, TState, CancellationToken, Task<TResult>> operation,
        Func<Microsoft.EntityFrameworkCore.DbContext, TState, CancellationToken, Task<ExecutionResult<TResult>>>? verifySucceeded,
        CancellationToken cancellationToken = default)
    {
        async ValueTask<TResult> Once(CancellationToken cancel)
        {
            try
            {
                return await operation(dependencies.CurrentContext.Context, state, cancel);
            }
            catch (Exception failure)
            {
                disk.Relieve(failure);
                throw;
            }
        }
        return IsPartOfTransaction ? await Once(cancellationToken) : await Pipeline.ExecuteAsync(Once, cancellationToken);
    }
}
