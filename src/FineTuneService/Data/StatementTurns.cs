using System.Collections.Concurrent;
using System.Data.Common;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace FineTuneService.Data;

/// <summary>
/// A statement that writes by itself (ExecuteUpdate, ExecuteDelete, raw SQL) has its turn among the writers, as transactions have: without,
/// it asks SQLite again and again, and beside writers that follow each other closely it never hits the moment between two of them.
/// </summary>
internal sealed class StatementTurns : DbCommandInterceptor
{
    private readonly ConcurrentDictionary<Guid, IDisposable> _turns = new();

    public override InterceptionResult<int> NonQueryExecuting(DbCommand command, CommandEventData data, InterceptionResult<int> result)
    {
        if (IsAlone(command, data)) _turns[data.CommandId] = WriterTurns.EnterNow(data.Context!);
        return result;
    }

    public override async ValueTask<InterceptionResult<int>> NonQueryExecutingAsync(DbCommand command, CommandEventData data, InterceptionResult<int> result, CancellationToken cancellationToken = default)
    {
        if (IsAlone(command, data)) _turns[data.CommandId] = await WriterTurns.Enter(data.Context!);
        return result;
    }

    public override int NonQueryExecuted(DbCommand command, CommandExecutedEventData data, int result)
    {
        Leave(data);
        return result;
    }

    public override ValueTask<int> NonQueryExecutedAsync(DbCommand command, CommandExecutedEventData data, int result, CancellationToken cancellationToken = default)
    {
        Leave(data);
        return ValueTask.FromResult(result);
    }

    public override void CommandFailed(DbCommand command, CommandErrorEventData data) => Leave(data);

    public override Task CommandFailedAsync(DbCommand command, CommandErrorEventData data, CancellationToken cancellationToken = default)
    {
        Leave(data);
        return Task.CompletedTask;
    }

    public override void CommandCanceled(DbCommand command, CommandEndEventData data) => Leave(data);

    public override Task CommandCanceledAsync(DbCommand command, CommandEndEventData data, CancellationToken cancellationToken = default)
    {
        Leave(data);
        return Task.CompletedTask;
    }

    /// <summary>A transaction has the turn for all of its statements; a migration is alone before the service serves.</summary>
    private static bool IsAlone(DbCommand command, CommandEventData data) => command.Transaction is null && data.Context is not null && data.CommandSource != CommandSource.Migrations;

    private void Leave(CommandEndEventData data)
    {
        if (_turns.TryRemove(data.CommandId, out IDisposable? turn)) turn.Dispose();
    }
}
