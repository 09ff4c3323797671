using System.Data.Common;
using System.Globalization;
using FineTuneService.Data;
using FineTuneService.Engine.Formats;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;

namespace FineTuneService.Tenants;

/// <summary>
/// Everything of a tenant that is on the disk: its folders, then its rows in every table that has a tenant's, then the tenant's own row. Until that
/// last one is gone a start goes on with it, wherever it was ended.
/// </summary>
internal sealed class TenantRemains(DataDirectory directory, ILogger<TenantRemains> log)
{
    /// <summary>No transaction grows with what a tenant has stored.</summary>
    private const int RowsAtOnce = 10_000, TriesToEmptyLog = 50;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Goes on with what an earlier process had begun.</summary>
    public void RemoveBegun(FineTuneDbContext db)
    {
        foreach (string tenant in db.Tenants.IgnoreQueryFilters().Where(row => row.DeletedAt != null).Select(row => row.Id).ToList())
        {
            try
            {
                Remove(db, tenant);
                log.LogWarning("Erased tenant {Tenant}: the service ended before its deletion was done", tenant);
            }
            catch (Exception kept) when (kept is IOException or UnauthorizedAccessException)
            {
                log.LogError(kept, "Tenant {Tenant} cannot be erased yet; the next start tries again", tenant);
            }
        }
    }

    /// <summary>Nothing of the tenant works any more: no request, job or batch.</summary>
    /// <exception cref="IOException">A file cannot be removed; the tenant's row stays.</exception>
    public void Remove(FineTuneDbContext db, string tenant)
    {
        string[] folders =
        [
            Path.Combine(directory.Blobs, tenant), Path.Combine(directory.Adapters, tenant),
            .. db.Jobs.IgnoreQueryFilters().Where(row => row.TenantId == tenant).Select(row => row.Id).AsEnumerable().Select(id => Path.Combine(directory.Jobs, id)),
            // By name: a data directory that was moved has other paths in its rows.
            .. db.Models.IgnoreQueryFilters().Where(row => row.TenantId == tenant).Select(row => row.Folder).AsEnumerable().Select(folder => Path.Combine(directory.Merged, Path.GetFileName(folder))),
        ];
        foreach (string folder in folders.Where(Directory.Exists)) Durable.Remove(folder);
        db.Database.OpenConnection(); // What is set on it holds until the end.
        try
        {
            db.Database.ExecuteSqlRaw("PRAGMA secure_delete = ON");
            // What is left of deleted rows is written by their deletion, so it goes last.
            foreach (IEntityType rows in db.Model.GetEntityTypes().Where(rows => rows.FindProperty("TenantId") is not null).OrderBy(rows => rows.ClrType == typeof(DeletedRow)))
                RemoveRows(db, rows.GetTableName()!, tenant);
            db.Tenants.IgnoreQueryFilters().Where(row => row.Id == tenant).ExecuteDelete();
            db.Database.ExecuteSqlRaw("PRAGMA secure_delete = OFF");
            EmptyLog(db.Database.GetDbConnection());
        }
        finally
        {
            db.Database.CloseConnection();
        }
    }

    /// <summary>The log still holds what was written of the tenant; somebody who reads at this moment keeps it from being emptied.</summary>
    private static void EmptyLog(DbConnection connection)
    {
        using DbCommand command = connection.CreateCommand();
        command.CommandText = "PRAGMA wal_checkpoint(TRUNCATE)";
        for (int tries = 0; tries < TriesToEmptyLog && Convert.ToInt64(command.ExecuteScalar(), CultureInfo.InvariantCulture) != 0; tries++) Thread.Sleep(Pause);
    }

    private static void RemoveRows(FineTuneDbContext db, string table, string tenant)
    {
        string sql = $"DELETE FROM \"{table}\" WHERE rowid IN (SELECT rowid FROM \"{table}\" WHERE \"TenantId\" = {{0}} LIMIT {RowsAtOnce})";
        // EF tries no raw statement again where another writer is at it.
        while (SqliteRetry.Pipeline.Execute(() => db.Database.ExecuteSqlRaw(sql, tenant)) > 0)
        {
        }
    }
}
