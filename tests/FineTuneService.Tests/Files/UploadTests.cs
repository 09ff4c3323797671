using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace FineTuneService.Tests.Files;

public sealed class UploadTests(TestService service) : IClassFixture<TestService>
{
    [Fact]
    public async Task Upload_ThenContentAndDelete_GivesTheBytesAndLeavesNothing()
    {
        HttpClient client = service.With(await service.NewTenant("uploads"));
        string id = await client.Upload("some bytes");
        Assert.Equal("some bytes", await client.GetStringAsync($"/v1/files/{id}/content"));
        Assert.True((await client.DeleteAsync($"/v1/files/{id}")).IsSuccessStatusCode);
        await client.GetAsync($"/v1/files/{id}").Error(HttpStatusCode.NotFound);
        Assert.Empty(Blobs("uploads"));
    }

    [Theory]
    [InlineData("--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nfine-tune\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nhalf a fi")]
    [InlineData("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nwhole\r\n--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nfine")]
    [InlineData("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nwhole\r\n--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nparty\r\n--b--\r\n")]
    public async Task Upload_CutOffOrRefused_LeavesNothing(string body)
    {
        string tenant = $"t{Guid.NewGuid():n}";
        HttpClient client = service.With(await service.NewTenant(tenant));
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        content.Headers.TryAddWithoutValidation("Content-Type", "multipart/form-data; boundary=b");
        await client.PostAsync("/v1/files", content).Error(HttpStatusCode.BadRequest);
        Assert.Empty((await client.Get("/v1/files"))["data"]!.AsArray());
        Assert.Empty(Blobs(tenant));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(service.Data, "tmp")));
    }

    [Fact]
    public async Task List_MoreThanAPage_GoesOnAfterTheLast()
    {
        HttpClient client = service.With(await service.NewTenant("paging"));
        for (int i = 0; i < 5; i++) await client.Upload($"file {i}");
        JsonNode first = await client.Get("/v1/files?limit=3"), second = await client.Get($"/v1/files?limit=3&after={first["last_id"]}");
        Assert.Equal((3, true, 2, false), (first["data"]!.AsArray().Count, (bool)first["has_more"]!, second["data"]!.AsArray().Count, (bool)second["has_more"]!));
        await client.GetAsync("/v1/files?limit=0").Error(HttpStatusCode.BadRequest);
    }

    private IEnumerable<string> Blobs(string tenant)
    {
        string folder = Path.Combine(service.Data, "blobs", tenant);
        return Directory.Exists(folder) ? Directory.EnumerateFiles(folder) : [];
    }
}
