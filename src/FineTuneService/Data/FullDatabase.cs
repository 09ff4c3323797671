using System.Data.Common;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace FineTuneService.Data;

/// <summary>Where a statement or a commit finds the disk full, the reserve is given up; the next try then has room.</summary>
internal sealed class FullDatabase(DiskSpace disk) : DbCommandInterceptor, IDbTransactionInterceptor
{
    public override void CommandFailed(DbCommand command, CommandErrorEventData failed) => disk.Relieve(failed.Exception);

    public override Task CommandFailedAsync(DbCommand command, CommandErrorEventData failed, CancellationToken cancellationToken = default)
    {
        disk.Relieve(failed.Exception);
        return Task.CompletedTask;
    }

    public void TransactionFailed(DbTransaction transaction, TransactionErrorEventData failed) => disk.Relieve(failed.Exception);

    public Task TransactionFailedAsync(DbTransaction transaction, TransactionErrorEventData failed, CancellationToken cancellationToken = default)
    {
        disk.Relieve(failed.Exception);
        return Task.CompletedTask;
    }
}
