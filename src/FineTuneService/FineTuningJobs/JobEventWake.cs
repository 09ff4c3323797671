using System.Collections.Concurrent;
using System.Data.Common;
using System.Runtime.CompilerServices;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.ChangeTracking;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace FineTuneService.FineTuningJobs;

/// <summary>
/// Wakes the event streams of a job once rows of it are committed. It sees every commit of the database's contexts, so that nobody who
/// writes an event has to think of the streams, and a stream that waits asks the database nothing.
/// </summary>
internal sealed class JobEventWake : DbTransactionInterceptor, ISaveChangesInterceptor
{
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _waiting = new();
    private readonly ConditionalWeakTable<DbContext, HashSet<string>> _uncommitted = [];

    /// <summary>Ends at the job's next commit. Ask for it before the rows are read: what is committed in between then ends it.</summary>
    public Task Next(string jobId) => _waiting.GetOrAdd(jobId, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    /// <summary>A stream has ended. Nothing is kept for it; others of the same job look once and ask again.</summary>
    public void Leave(string jobId) => Wake(jobId);

    public InterceptionResult<int> SavingChanges(DbContextEventData eventData, InterceptionResult<int> result)
    {
        Remember(eventData.Context!);
        return result;
    }

    public ValueTask<InterceptionResult<int>> SavingChangesAsync(DbContextEventData eventData, InterceptionResult<int> result, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(SavingChanges(eventData, result));

    public int SavedChanges(SaveChangesCompletedEventData eventData, int result)
    {
        // In a transaction of its own making, the commit tells.
        if (eventData.Context!.Database.CurrentTransaction is null) Wake(eventData.Context);
        return result;
    }

    public ValueTask<int> SavedChangesAsync(SaveChangesCompletedEventData eventData, int result, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(SavedChanges(eventData, result));

    public override void TransactionCommitted(DbTransaction transaction, TransactionEndEventData eventData)
    {
        if (eventData.Context is { } context) Wake(context);
    }

    public override Task TransactionCommittedAsync(DbTransaction transaction, TransactionEndEventData eventData, CancellationToken cancellationToken = default)
    {
        TransactionCommitted(transaction, eventData);
        return Task.CompletedTask;
    }

    private void Remember(DbContext context)
    {
        foreach (EntityEntry entry in context.ChangeTracker.Entries())
        {
            string? job = entry switch
            {
                { Entity: JobEvent happened, State: EntityState.Added } => happened.JobId,
                { Entity: FineTuningJob changed, State: EntityState.Modified } => changed.Id,
                _ => null,
            };
            if (job is not null) _uncommitted.GetOrAdd(context, _ => []).Add(job);
        }
    }

    private void Wake(DbContext context)
    {
        if (!_uncommitted.TryGetValue(context, out HashSet<string>? jobs)) return;
        _uncommitted.Remove(context);
        foreach (string job in jobs) Wake(job);
    }

    private void Wake(string jobId)
    {
        if (_waiting.TryRemove(jobId, out TaskCompletionSource? streams)) streams.SetResult();
    }
}
