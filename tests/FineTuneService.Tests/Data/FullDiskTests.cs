using System.Net;
using System.Text.Json.Nodes;

namespace FineTuneService.Tests.Data;

/// <summary>The service on a disk that fills up, or that turns read-only, and comes back.</summary>
[Waits]
public sealed class FullDiskTests
{
    private const int Megabyte = 1 << 20;

    [Fact]
    public async Task FullDisk_UploadsGet507_DeletesWork_AndItHeals()
    {
        using SmallDisk disk = SmallDisk.Mount(48);
        using var data = new DataFolder(disk);
        using var service = new ServiceProcess(data);
        using HttpClient client = await Tenant(service), admin = await service.Client(TestService.AdminKey);
        string first = await client.Upload(new string('a', Megabyte));
        disk.Fill();
        for (int i = 0; i < 3; i++)
        {
            JsonNode error = await Upload(client, i).Error(HttpStatusCode.InsufficientStorage);
            Assert.Equal("insufficient_storage", (string?)error["code"]);
        }
        Assert.Empty(data.Entries("tmp"));
        await service.Logged("the storage is Full");
        Assert.Single((await client.Get("/v1/files"))["data"]!.AsArray());
        // The reserve is the database's, and what frees space has to work on a full disk.
        await admin.Post("/v1/tenants", new { id = "made-on-a-full-disk" });
        Assert.False(File.Exists(Path.Combine(data.Path, "reserve")));
        Assert.Equal(HttpStatusCode.OK, (await client.DeleteAsync($"/v1/files/{first}")).StatusCode);
        disk.Free();
        Assert.Equal(HttpStatusCode.OK, (await Upload(client, 4)).StatusCode);
        Assert.True(File.Exists(Path.Combine(data.Path, "reserve")));
        Assert.Single(data.Entries(Path.Combine("blobs", "acme")));
    }

    [Fact]
    public async Task FullDisk_ServiceKilled_StartsAndDeletes()
    {
        using SmallDisk disk = SmallDisk.Mount(48);
        using var data = new DataFolder(disk);
        string key, file;
        using (var service = new ServiceProcess(data))
        {
            key = await TenantKey(service);
            using HttpClient client = await service.Client(key);
            file = await client.Upload(new string('a', Megabyte));
            disk.Fill();
            await service.Kill();
        }
        using var again = new ServiceProcess(data);
        using HttpClient back = await again.Client(key);
        Assert.Single((await back.Get("/v1/files"))["data"]!.AsArray());
        await Upload(back, 1).Error(HttpStatusCode.InsufficientStorage);
        Assert.Equal(HttpStatusCode.OK, (await back.DeleteAsync($"/v1/files/{file}")).StatusCode);
        disk.Free();
        Assert.Equal(HttpStatusCode.OK, (await Upload(back, 2)).StatusCode);
    }

    [Fact]
    public async Task Upload_DiskFillsWhileItComesIn_Is507AndLeavesNothing()
    {
        using SmallDisk disk = SmallDisk.Mount(64);
        using var data = new DataFolder(disk);
        using var service = new ServiceProcess(data, ("FineTune__DiskReserveBytes", "0"));
        using HttpClient client = await Tenant(service);
        using var form = new MultipartFormDataContent { { new StringContent("fine-tune"), "purpose" }, { new ByteArrayContent(new byte[70 * Megabyte]), "file", "zeros" } };
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/files") { Content = form };
        // Of unknown length, so that nothing can be refused before it comes.
        request.Headers.TransferEncodingChunked = true;
        JsonNode error = await client.SendAsync(request).Error(HttpStatusCode.InsufficientStorage);
        Assert.Equal("insufficient_storage", (string?)error["code"]);
        Assert.Empty(data.Entries("tmp"));
        Assert.Equal(HttpStatusCode.OK, (await Upload(client, 1)).StatusCode);
    }

    [Fact]
    public async Task Upload_NowhereToWrite_Is503AndHeals()
    {
        using var data = new DataFolder();
        using var service = new ServiceProcess(data);
        using HttpClient client = await Tenant(service);
        string tmp = Path.Combine(data.Path, "tmp");
        Directory.Delete(tmp);
        await File.WriteAllTextAsync(tmp, "not a folder", TestContext.Current.CancellationToken);
        JsonNode error = await Upload(client, 1).Error(HttpStatusCode.ServiceUnavailable);
        Assert.Equal("storage_unusable", (string?)error["code"]);
        await service.Logged("the storage is Unusable");
        File.Delete(tmp);
        Directory.CreateDirectory(tmp);
        Assert.Equal(HttpStatusCode.OK, (await Upload(client, 1)).StatusCode);
    }

    private static Task<HttpResponseMessage> Upload(HttpClient client, int number) => client.PostAsync("/v1/files",
        new MultipartFormDataContent { { new StringContent("fine-tune"), "purpose" }, { new ByteArrayContent(Enumerable.Repeat((byte)number, Megabyte).ToArray()), "file", "a" } });

    private static async Task<HttpClient> Tenant(ServiceProcess service) => await service.Client(await TenantKey(service));

    private static async Task<string> TenantKey(ServiceProcess service)
    {
        using HttpClient admin = await service.Client(TestService.AdminKey);
        await admin.Post("/v1/tenants", new { id = "acme" });
        return (string)(await admin.Post("/v1/api_keys", new { tenant = "acme" }))["key"]!;
    }
}
