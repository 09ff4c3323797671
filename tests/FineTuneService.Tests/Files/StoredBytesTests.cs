using System.IO.Compression;
using System.Net;
using System.Text.Json.Nodes;
using FineTuneService.Adapters;
using FineTuneService.Data;
using FineTuneService.Hosting;
using FineTuneService.Models;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace FineTuneService.Tests.Files;

/// <summary>What a tenant has besides files counts too, and another tenant's does not.</summary>
public sealed class StoredBytesTests(TestService service) : IClassFixture<TestService>
{
    [Fact]
    public async Task Upload_TenantsAdaptersTakeAll_IsRefusedForThatTenantOnly()
    {
        HttpClient full = service.With(await service.NewTenant("full")), other = service.With(await service.NewTenant("roomy"));
        long limit = service.Services.GetRequiredService<IOptions<FineTuneOptions>>().Value.MaxStoredBytes;
        await Add(db => db.Adapters.Add(new AdapterEntry
        {
            Id = "ad-full",
            TenantId = "full",
            Model = "ft:full",
            BaseModel = TestService.BaseModel,
            Precision = "{\"dtype\":\"fp32\"}",
            Folder = service.Data,
            Bytes = limit - 10,
        }));
        await full.Upload("ten bytes!");
        JsonNode error = await Upload(full).Error(HttpStatusCode.RequestEntityTooLarge);
        Assert.Equal("storage_limit_exceeded", (string?)error["code"]);
        Assert.Contains("FineTune:MaxStoredBytes", (string?)error["message"]);
        Assert.Equal(HttpStatusCode.OK, (await Upload(other)).StatusCode);
    }

    [Fact]
    public async Task Upload_BesideOneThatIsComing_IsRefusedBeforeItIsRead()
    {
        const int quota = 1_000_000, bytes = 600_000;
        await service.Admin.Post("/v1/tenants", new { id = "coming", quotas = new { stored_bytes = quota } });
        HttpClient client = service.With((string)(await service.Admin.Post("/v1/api_keys", new { tenant = "coming" }))["key"]!);
        var rest = new TaskCompletionSource();
        var content = new HeldContent(new byte[bytes], rest.Task);
        Task<HttpResponseMessage> first = client.PostAsync("/v1/files", new MultipartFormDataContent { { new StringContent("batch"), "purpose" }, { content, "file", "x" } });
        await content.Begun;
        JsonNode error = await Upload(client, new byte[bytes]).Error(HttpStatusCode.RequestEntityTooLarge);
        Assert.Equal(("storage_limit_exceeded", true), ((string?)error["code"], ((string)error["message"]!).Contains("beside what it is uploading")));
        Assert.Equal(HttpStatusCode.OK, (await Upload(client, new byte[1000])).StatusCode);
        rest.SetResult();
        Assert.Equal(HttpStatusCode.OK, (await first).StatusCode);
        await Upload(client, new byte[bytes]).Error(HttpStatusCode.RequestEntityTooLarge);
        await client.DeleteAsync($"/v1/files/{JsonNode.Parse(await (await first).Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!["id"]}", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, (await Upload(client, new byte[bytes])).StatusCode);
    }

    [Fact]
    public async Task Upload_WithoutALength_EndsAtTheQuotaWithWhatHasCome()
    {
        const int quota = 3_000_000, bytes = 2_000_000;
        await service.Admin.Post("/v1/tenants", new { id = "chunking", quotas = new { stored_bytes = quota } });
        HttpClient client = service.With((string)(await service.Admin.Post("/v1/api_keys", new { tenant = "chunking" }))["key"]!);
        TaskCompletionSource rest = new(), never = new();
        var content = new HeldContent(new byte[bytes], rest.Task, isChunked: true);
        Task<HttpResponseMessage> first = client.PostAsync("/v1/files", new MultipartFormDataContent { { new StringContent("batch"), "purpose" }, { content, "file", "x" } });
        await content.Begun;
        while (!Directory.EnumerateFiles(Path.Combine(service.Data, "tmp")).Any(file => new FileInfo(file).Length > bytes / 2 - 300_000)) await Task.Delay(10, TestContext.Current.CancellationToken);
        // A million bytes have come, of which no length told, and two million fit beside them: these end before the rest of them comes, and those that say less than they are.
        HttpContent[] others = [new HeldContent(new byte[3 * bytes], never.Task, isChunked: true), new ByteArrayContent(new byte[3 * bytes])];
        foreach ((HttpContent other, bool compressed) in others.Zip([false, true]))
        {
            var form = new MultipartFormDataContent { { new StringContent("batch"), "purpose" }, { other, "file", "x" } };
            JsonNode error = await client.PostAsync("/v1/files", compressed ? await Compressed(form) : form).Error(HttpStatusCode.RequestEntityTooLarge);
            Assert.Equal(("storage_limit_exceeded", "file"), ((string?)error["code"], (string?)error["param"]));
        }
        rest.SetResult();
        Assert.Equal(HttpStatusCode.OK, (await first).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await Upload(client, new byte[900_000])).StatusCode);
        await Upload(client, new byte[200_000]).Error(HttpStatusCode.RequestEntityTooLarge);
    }

    private static async Task<HttpContent> Compressed(HttpContent form)
    {
        using var bytes = new MemoryStream();
        await using (var gzip = new GZipStream(bytes, CompressionLevel.Fastest, leaveOpen: true)) await form.CopyToAsync(gzip);
        return new ByteArrayContent(bytes.ToArray()) { Headers = { { "Content-Encoding", "gzip" }, { "Content-Type", form.Headers.ContentType!.ToString() } } };
    }

    [Fact]
    public async Task Refusal_MergedModel_CountsItsFolder()
    {
        await service.NewTenant("merging");
        string folder = Directory.CreateDirectory(Path.Combine(service.Data, "merged", "merged-counted")).FullName;
        await File.WriteAllBytesAsync(Path.Combine(folder, "model.safetensors"), new byte[1000], TestContext.Current.CancellationToken);
        await Add(db => db.Models.Add(new ModelEntry { Id = "ft:counted", TenantId = "merging", Folder = folder }));
        await using AsyncServiceScope scope = service.Services.GetRequiredService<IServiceScopeFactory>().SystemScope(out _);
        var stored = scope.ServiceProvider.GetRequiredService<StoredBytes>();
        long limit = service.Services.GetRequiredService<IOptions<FineTuneOptions>>().Value.MaxStoredBytes;
        Assert.Null(await stored.Refusal("merging", limit - 1000));
        Assert.NotNull(await stored.Refusal("merging", limit - 999));
    }

    private async Task Add(Action<FineTuneDbContext> add)
    {
        await using AsyncServiceScope scope = service.Services.GetRequiredService<IServiceScopeFactory>().SystemScope(out FineTuneDbContext db);
        add(db);
        await db.SaveChangesAsync(TestContext.Current.CancellationToken);
    }

    private static Task<HttpResponseMessage> Upload(HttpClient client, byte[]? bytes = null) =>
        client.PostAsync("/v1/files", new MultipartFormDataContent { { new StringContent("fine-tune"), "purpose" }, { new ByteArrayContent(bytes ?? [1]), "file", "x" } });

    /// <summary>A file whose second half comes when it is told to.</summary>
    private sealed class HeldContent(byte[] bytes, Task rest, bool isChunked = false) : HttpContent
    {
        private readonly TaskCompletionSource _begun = new();

        public Task Begun => _begun.Task;

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(bytes.AsMemory(0, bytes.Length / 2));
            await stream.FlushAsync();
            _begun.SetResult();
            await rest;
            await stream.WriteAsync(bytes.AsMemory(bytes.Length / 2));
        }

        protected override bool TryComputeLength(out long length)
        {
            length = bytes.Length;
            return !isChunked;
        }
    }
}
