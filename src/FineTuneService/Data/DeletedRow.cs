using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Data;

/// <summary>
/// What is left of a deleted row: its id and its place. A client that deletes what it lists asks for the page after the last id that it
/// saw, which is one that it has just deleted. The database's own triggers write it, so that no way of deleting can forget to.
/// </summary>
public sealed class DeletedRow : ITenantRow
{
    public long Number { get; set; }
    public required string Id { get; set; }

    /// <summary>Empty where the row belonged to no tenant.</summary>
    public required string TenantId { get; set; }
    public required string Table { get; set; }

    /// <summary>The row's own <see cref="IRow.Number"/>.</summary>
    public long RowNumber { get; set; }

    /// <summary>Unix seconds. No list is read for a month.</summary>
    public long DeletedAt { get; set; }

    /// <summary>Makes the triggers, at each start: a migration that builds a table anew loses them.</summary>
    public static void Watch(FineTuneDbContext db)
    {
        // The admin lists tenants, and keys of every tenant.
        foreach (string table in new[] { "tenants", "api_keys" }) Watch(db, table, "''");
        foreach (string table in new[] { "files", "jobs", "checkpoints", "adapters", "models", "evaluations", "webhook_endpoints", "batches", "aliases" }) Watch(db, table, "OLD.\"TenantId\"");
    }

    private static void Watch(FineTuneDbContext db, string table, string tenant)
    {
        string trigger = $"""
            CREATE TRIGGER IF NOT EXISTS deleted_{table} AFTER DELETE ON {table} BEGIN
                DELETE FROM deleted_rows WHERE "DeletedAt" < unixepoch() - 30 * 86400;
                INSERT OR REPLACE INTO deleted_rows ("Table", "Id", "TenantId", "RowNumber", "DeletedAt")
                VALUES ('{table}', OLD."Id", {tenant}, OLD."Number", unixepoch());
            END
            """;
        db.Database.ExecuteSqlRaw(trigger);
    }
}
