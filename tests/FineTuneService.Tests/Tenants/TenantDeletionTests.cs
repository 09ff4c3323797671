using System.Data.Common;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using FineTuneService.Data;
using FineTuneService.Tenants;
using FineTuneService.Tests.Batches;
using FineTuneService.Tests.FineTuningJobs;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace FineTuneService.Tests.Tenants;

/// <summary>A tenant that is erased leaves nothing, and takes nothing of another's with it.</summary>
[Waits]
public sealed class TenantDeletionTests(TestService service) : IClassFixture<TestService>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Delete_TenantWithEverything_LeavesNoRowFileOrWordOfIt()
    {
        string gone = $"gone{Guid.NewGuid():n}", stays = $"stays{Guid.NewGuid():n}", word = $"word{Guid.NewGuid():n}";
        HttpClient client = service.With(await service.NewTenant(gone)), other = service.With(await service.NewTenant(stays));
        string rows = JobCalls.Rows(10), file = await client.Upload(rows), shared = await other.Upload(rows);
        JsonNode adapter = await client.UploadAdapter(seed: 5);
        await client.Post($"/v1/adapters/{adapter["id"]}/merge", new { });
        await client.Post("/v1/aliases", new { name = "support", target = (string)adapter["id"]! });
        await client.Post("/v1/webhook_endpoints", new { url = "https://example.com/", events = new[] { "batch.completed" } });
        await client.Post("/v1/evaluations", new { models = new[] { TestService.BaseModel }, generate = new { prompts = new[] { word }, max_tokens = 1 } });
        JsonNode upload = await client.Post("/v1/uploads", new { filename = word, purpose = "batch", bytes = 10, mime_type = "text/plain" });
        using (var part = new MultipartFormDataContent { { new ByteArrayContent(Encoding.UTF8.GetBytes("12345")), "data", "a" } })
            Assert.True((await client.PostAsync($"/v1/uploads/{upload["id"]}/parts", part, Cancel)).IsSuccessStatusCode);
        using (var kept = new HttpRequestMessage(HttpMethod.Post, "/v1/tokenize") { Headers = { { "Idempotency-Key", word } }, Content = JsonContent.Create(new { model = TestService.BaseModel, prompt = word }) })
            Assert.True((await client.SendAsync(kept, Cancel)).IsSuccessStatusCode);
        await client.Batch(string.Concat(Enumerable.Range(0, 100).Select(i => BatchCalls.Line($"{i}", TestService.BaseModel, tokens: 60))));
        object endless = new { max_steps = 5000, batch_size = 2, save_every = 5 };
        string running = await client.Train(file, endless);
        await client.Train(file, endless);
        await client.WaitForStep(running, 6);
        // An answer that is under way is cut.
        using var asked = new HttpRequestMessage(HttpMethod.Post, "/v1/completions") { Content = JsonContent.Create(new { model = (string)adapter["model"]!, prompt = "a", max_tokens = 250, n = 8, stream = true, logit_bias = new Dictionary<string, int> { ["1"] = -100 } }) };
        using HttpResponseMessage open = await client.SendAsync(asked, HttpCompletionOption.ResponseHeadersRead, Cancel);
        Assert.True(open.IsSuccessStatusCode);
        await client.Get("/v1/usage");
        Assert.True(Directory.Exists(Path.Combine(service.Data, "blobs", gone)) && Directory.Exists(Path.Combine(service.Data, "adapters", gone)));
        Assert.Contains(word, Words());

        Task<HttpResponseMessage> deleted = service.Admin.DeleteAsync($"/v1/tenants/{gone}", Cancel);
        Task<HttpResponseMessage> twice = service.Admin.DeleteAsync($"/v1/tenants/{gone}", Cancel);
        Assert.Equal(HttpStatusCode.OK, (await deleted).StatusCode);
        Assert.Contains((await twice).StatusCode, new[] { HttpStatusCode.OK, HttpStatusCode.NotFound });
        await client.GetAsync("/v1/files", Cancel).Error(HttpStatusCode.Unauthorized);
        await Assert.ThrowsAnyAsync<Exception>(() => open.Content.ReadAsStringAsync(Cancel));
        await service.Admin.GetAsync($"/v1/tenants/{gone}", Cancel).Error(HttpStatusCode.NotFound);
        await service.Admin.DeleteAsync($"/v1/tenants/{gone}", Cancel).Error(HttpStatusCode.NotFound);
        Assert.False(Directory.Exists(Path.Combine(service.Data, "blobs", gone)) || Directory.Exists(Path.Combine(service.Data, "adapters", gone)));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(service.Data, "jobs")));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(service.Data, "merged")));
        Assert.Empty(await TablesWith(gone));
        Assert.DoesNotContain(word, Words());

        Assert.Equal(rows, await other.GetStringAsync($"/v1/files/{shared}/content", Cancel));
        Assert.Equal("succeeded", (string?)(await other.Ended(await other.Train(shared, new { max_steps = 1 })))["status"]);
        // Its name is free, and what comes under it is new.
        HttpClient again = service.With(await service.NewTenant(gone));
        foreach (string list in new[] { "/v1/files", "/v1/adapters", "/v1/fine_tuning/jobs", "/v1/batches", "/v1/aliases", "/v1/usage" }) Assert.Empty((await again.Get(list))["data"]!.AsArray());
    }

    [Fact]
    public async Task RemoveBegun_TenantThatAKillLeftHalfErased_IsErasedAndOthersAreNot()
    {
        string half = $"half{Guid.NewGuid():n}", whole = $"whole{Guid.NewGuid():n}";
        HttpClient client = service.With(await service.NewTenant(half)), other = service.With(await service.NewTenant(whole));
        await client.UploadAdapter(seed: 6);
        await client.Upload("half");
        string kept = await other.Upload("whole");
        await using AsyncServiceScope scope = service.Services.GetRequiredService<IServiceScopeFactory>().SystemScope(out FineTuneDbContext db);
        await db.Tenants.Where(row => row.Id == half).ExecuteUpdateAsync(set => set.SetProperty(row => row.DeletedAt, 1), Cancel);
        await db.Files.Where(row => row.TenantId == half).ExecuteDeleteAsync(Cancel); // It had come so far.
        service.Services.GetRequiredService<TenantRemains>().RemoveBegun(db);
        Assert.Empty(await TablesWith(half));
        Assert.False(Directory.Exists(Path.Combine(service.Data, "blobs", half)) || Directory.Exists(Path.Combine(service.Data, "adapters", half)));
        Assert.Equal("whole", await other.GetStringAsync($"/v1/files/{kept}/content", Cancel));
        await client.GetAsync("/v1/files", Cancel).Error(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Delete_ServiceKilledMeanwhile_IsGoneAfterTheNextStart()
    {
        var data = new DataFolder(); // It goes with the second service.
        using (var first = new ServiceProcess(data))
        {
            using HttpClient admin = await first.Client(TestService.AdminKey);
            await admin.Post("/v1/tenants", new { id = "acme" });
            string key = (string)(await admin.Post("/v1/api_keys", new { tenant = "acme" }))["key"]!;
            using HttpClient client = await first.Client(key);
            for (int i = 0; i < 8; i++) await client.Upload($"{i}");
            Task<HttpResponseMessage> deleting = admin.DeleteAsync("/v1/tenants/acme", Cancel);
            while ((await client.GetAsync("/v1/files", Cancel)).StatusCode != HttpStatusCode.Unauthorized) { }
            await first.Kill();
            await Task.WhenAny(deleting);
        }
        using var second = new TestService { Data = data.Path };
        await second.Admin.GetAsync("/v1/tenants/acme", Cancel).Error(HttpStatusCode.NotFound);
        Assert.False(Directory.Exists(Path.Combine(data.Path, "blobs", "acme")));
    }

    /// <summary>Tables that have a row of the tenant's.</summary>
    private async Task<string[]> TablesWith(string tenant)
    {
        await using AsyncServiceScope scope = service.Services.GetRequiredService<IServiceScopeFactory>().SystemScope(out FineTuneDbContext db);
        string[] tables = [.. db.Model.GetEntityTypes().Where(rows => rows.FindProperty("TenantId") is not null).Select(rows => rows.GetTableName()!)];
        Assert.True(tables.Length > 15);
        await db.Database.OpenConnectionAsync(Cancel);
        using DbCommand command = db.Database.GetDbConnection().CreateCommand();
        return [.. tables.Where(table =>
        {
            command.CommandText = $"SELECT COUNT(*) FROM \"{table}\" WHERE \"TenantId\" = '{tenant}'";
            return (long)command.ExecuteScalar()! > 0;
        })];
    }

    /// <summary>All that the database's files hold.</summary>
    private string Words() =>
        string.Concat(new[] { "finetune.db", "finetune.db-wal" }.Select(name => Path.Combine(service.Data, name)).Where(File.Exists).Select(path =>
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var reader = new StreamReader(file, Encoding.Latin1);
            return reader.ReadToEnd();
        }));
}
