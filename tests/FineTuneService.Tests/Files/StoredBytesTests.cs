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

    private static Task<HttpResponseMessage> Upload(HttpClient client) =>
        client.PostAsync("/v1/files", new MultipartFormDataContent { { new StringContent("fine-tune"), "purpose" }, { new StringContent("x"), "file", "x" } });
}
