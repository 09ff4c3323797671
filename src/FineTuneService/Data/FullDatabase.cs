using System.Data.Common;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace FineTuneService.Data;

/// <summary>Where a commit finds the disk full, the reserve is given up; the next try then has room. (Of statements, <see cref="SqliteRetry"/> sees it.)</summary>
internal sealed class FullDatabase(DiskSpace disk) : DbTransactionInterceptor
{
    public override void TransactionFailed(DbTransaction transaction, TransactionErrorEventData failed) => disk.Relieve(failed.Exception);

    public override Task TransactionFailedAsync(DbTransaction transaction, TransactionErrorEventData failed, CancellationToken cancellationToken = default)
    {
        disk.Relieve(failed.Exception);
        return Task.CompletedTask;
    }
}
