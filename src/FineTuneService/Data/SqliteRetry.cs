using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore.Storage;
using Polly;
using Polly.Retry;

namespace FineTuneService.Data;

/// <summary>
/// Waits for another writer: SQLite answers busy or locked where a second connection holds the database, and what was asked is
/// then tried again, after a little longer each time.
/// </summary>
internal sealed class SqliteRetry(ExecutionStrategyDependencies dependencies) : IExecutionStrategy
{
    private const int Busy = 5, Locked = 6;

    public static readonly ResiliencePipeline Pipeline = new ResiliencePipelineBuilder()
        .AddRetry(new RetryStrategyOptions
        {
            ShouldHandle = new PredicateBuilder().Handle<SqliteException>(IsBusy).Handle<Exception>(e => e.InnerException is SqliteException inner && IsBusy(inner)),
            MaxRetryAttempts = 12,
            Delay = TimeSpan.FromMilliseconds(20),
            MaxDelay = TimeSpan.FromSeconds(2),
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
        })
        .Build();

    public bool RetriesOnFailure => true;

    public TResult Execute<TState, TResult>(
        TState state, Func<Microsoft.EntityFrameworkCore.DbContext, TState, TResult> operation,
        Func<Microsoft.EntityFrameworkCore.DbContext, TState, ExecutionResult<TResult>>? verifySucceeded) =>
        Pipeline.Execute(() => operation(dependencies.CurrentContext.Context, state));

    public async Task<TResult> ExecuteAsync<TState, TResult>(
        TState state, Func<Microsoft.EntityFrameworkCore.DbContext, TState, CancellationToken, Task<TResult>> operation,
        Func<Microsoft.EntityFrameworkCore.DbContext, TState, CancellationToken, Task<ExecutionResult<TResult>>>? verifySucceeded,
        CancellationToken cancellationToken = default) =>
        await Pipeline.ExecuteAsync(async cancel => await operation(dependencies.CurrentContext.Context, state, cancel), cancellationToken);

    private static bool IsBusy(SqliteException error) => error.SqliteErrorCode is Busy or Locked;
}
