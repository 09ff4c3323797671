using FineTuneService.Data;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace FineTuneService.Tests.Data;

public sealed class DatabaseTests(TestService service) : IClassFixture<TestService>
{
    [Fact]
    public void Migrations_HandWritten_MakeTheModelsSchema()
    {
        using IServiceScope scope = service.Services.CreateScope();
        var migrated = scope.ServiceProvider.GetRequiredService<FineTuneDbContext>();
        using var connection = new SqliteConnection("DataSource=:memory:");
        connection.Open();
        using var made = new FineTuneDbContext(new DbContextOptionsBuilder<FineTuneDbContext>().UseSqlite(connection).Options, new CurrentTenant());
        made.Database.EnsureCreated();
        Assert.Equal(Schema(made), Schema(migrated));
    }

    [Fact]
    public async Task Write_WhileAnotherConnectionHoldsTheLock_WaitsAndSucceeds()
    {
        using var holder = new SqliteConnection($"Data Source={Path.Combine(service.Data, "finetune.db")}");
        _ = service.Services;
        holder.Open();
        Execute(holder, "BEGIN EXCLUSIVE");
        Task<System.Text.Json.Nodes.JsonNode> write = service.Admin.Post("/v1/tenants", new { id = "patient" });
        await Task.Delay(TimeSpan.FromSeconds(2));
        Assert.False(write.IsCompleted);
        Execute(holder, "COMMIT");
        Assert.Equal("patient", (string?)(await write)["id"]);
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    /// <summary>Every column of every table, and every index with its columns.</summary>
    private static List<string> Schema(FineTuneDbContext db) => [.. db.Database.SqlQueryRaw<string>("""
        SELECT m.type || ' ' || m.tbl_name || ' ' || m.name || ' ' || p.name || ' ' || p.type || ' ' || p."notnull" || ' ' || p.pk AS Value
        FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table' AND m.name NOT LIKE '\_\_EF%' ESCAPE '\' AND m.name NOT LIKE 'sqlite%'
        UNION SELECT 'index ' || m.tbl_name || ' ' || m.name || ' ' || i.name || ' ' || l."unique" FROM sqlite_master m
        JOIN pragma_index_info(m.name) i JOIN pragma_index_list(m.tbl_name) l ON l.name = m.name WHERE m.type = 'index' AND m.tbl_name NOT LIKE '\_\_EF%' ESCAPE '\'
        """).AsEnumerable().Order(StringComparer.Ordinal)];
}
