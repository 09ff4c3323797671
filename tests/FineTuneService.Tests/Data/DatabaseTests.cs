using System.Net;
using System.Net.Http.Json;
using FineTuneService.Data;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace FineTuneService.Tests.Data;

[Waits]
public sealed class DatabaseTests(TestService service) : IClassFixture<TestService>
{
    [Fact]
    public void Migrations_AgainstTheModel_HaveNoPendingChanges()
    {
        using FineTuneDbContext db = new DesignTime().CreateDbContext([]);
        Assert.False(db.Database.HasPendingModelChanges(), "The model has changed; add a migration (docs/decisions.md says how).");
    }

    [Fact]
    public void Migrate_NewDatabase_MakesTheModelsSchema()
    {
        using IServiceScope scope = service.Services.CreateScope();
        var migrated = scope.ServiceProvider.GetRequiredService<FineTuneDbContext>();
        Assert.Equal(ModelSchema(), Schema(migrated));
    }

    [Fact]
    public void Migrate_DatabaseOfTheFirstBuilds_KeepsItsRowsAndGetsTheModelsSchema()
    {
        using SqliteConnection connection = InMemory();
        Execute(connection, FirstSchema.Sql);
        Execute(connection, """
            INSERT INTO tenants VALUES (7, 'acme', 'Acme', 1764000000);
            INSERT INTO jobs ("Id", "TenantId", "Status", "Model", "TrainingFile", "Settings", "ClaimExpiresAt", "CancelRequested", "Step", "CreatedAt")
                VALUES ('ftjob-1', 'acme', 'queued', 'talers-2m', 'file-1', '{}', 0, 0, 3, 1764000001);
            INSERT INTO files VALUES (9, 'file-1', 'acme', 'a.jsonl', 'fine-tune', 12, 'abc', 1764000002);
            """);
        using FineTuneDbContext db = On(connection);
        Database.Migrate(db);
        Assert.Equal(ModelSchema(), Schema(db));
        Assert.Equal((7L, "Acme"), db.Tenants.Select(row => ValueTuple.Create(row.Number, row.Name)).Single());
        Assert.Equal(("queued", 3), db.Jobs.IgnoreQueryFilters().Select(row => ValueTuple.Create(row.Status, row.Step)).Single());
        Assert.Equal("abc", db.Files.IgnoreQueryFilters().Single().Sha256);
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

    [Fact]
    public async Task Transactions_ThatWaitForEachOther_AreDoneInTheOrderInWhichTheyCame()
    {
        var scopes = service.Services.GetRequiredService<IServiceScopeFactory>();
        var free = new TaskCompletionSource();
        var done = new List<int>();
        async Task Write(int number)
        {
            await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
            await db.InTransaction(async () =>
            {
                if (number == 0) await free.Task;
                done.Add(number);
                return true;
            });
        }
        Task[] writes = [.. Enumerable.Range(0, 40).Select(Write)];
        await Task.Delay(50, TestContext.Current.CancellationToken); // Whoever asked again and again would be at its own rhythm by now.
        free.SetResult();
        await Task.WhenAll(writes);
        Assert.Equal(Enumerable.Range(0, 40), done);
    }

    [Fact]
    public async Task Write_DatabaseLockedForLong_Is503ThatSaysToTryAgainAndKeepsNobodyElse()
    {
        using var holder = new SqliteConnection($"Data Source={Path.Combine(service.Data, "finetune.db")}");
        string file = await service.With(await service.NewTenant("patience")).Upload("bytes");
        HttpClient client = service.With((string)(await service.Admin.Post("/v1/api_keys", new { tenant = "patience" }))["key"]!);
        holder.Open();
        Execute(holder, "BEGIN EXCLUSIVE");
        Task<HttpResponseMessage>[] writes =
        [
            .. Enumerable.Range(0, 30).Select(i => service.Admin.PostAsJsonAsync("/v1/tenants", new { id = $"locked-{i}" })),
            client.DeleteAsync($"/v1/files/{file}"),
            client.PostAsync("/v1/files", new MultipartFormDataContent { { new StringContent("fine-tune"), "purpose" }, { new StringContent("x"), "file", "x" } }),
        ];
        // Requests that read, or need no database, are answered meanwhile.
        Assert.Equal(HttpStatusCode.OK, (await service.CreateClient().GetAsync("/healthz")).StatusCode);
        Assert.Equal("bytes", await client.GetStringAsync($"/v1/files/{file}/content"));
        Assert.DoesNotContain(writes, write => write.IsCompleted);
        foreach (Task<HttpResponseMessage> write in writes)
        {
            Assert.Equal("database_busy", (string?)(await write.Error(HttpStatusCode.ServiceUnavailable))["code"]);
            Assert.NotNull((await write).Headers.RetryAfter);
        }
        Execute(holder, "COMMIT");
        await service.Admin.Post("/v1/tenants", new { id = "locked-0" });
        Assert.Equal(HttpStatusCode.OK, (await client.DeleteAsync($"/v1/files/{file}")).StatusCode);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(service.Data, "blobs", "patience")));
    }

    private static SqliteConnection InMemory()
    {
        var connection = new SqliteConnection("DataSource=:memory:");
        connection.Open();
        return connection;
    }

    private static FineTuneDbContext On(SqliteConnection connection) =>
        new(new DbContextOptionsBuilder<FineTuneDbContext>().UseSqlite(connection).Options, new CurrentTenant());

    private static List<string> ModelSchema()
    {
        using SqliteConnection connection = InMemory();
        using FineTuneDbContext made = On(connection);
        made.Database.EnsureCreated();
        return Schema(made);
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
