using System.Net;
using System.Text.Json.Nodes;

namespace FineTuneService.Tests.Files;

/// <summary>Our options are the only limits. On a real connection, as the server's own limits are not there in memory.</summary>
[Waits]
public sealed class LargeUploadTests
{
    private const int Megabyte = 1 << 20;

    [Fact]
    public async Task Upload_AroundItsLimit_IsTakenOrRefusedByTheOption()
    {
        using var data = new DataFolder();
        using var service = new ServiceProcess(data, ("FineTune__MaxUploadBytes", $"{40 * Megabyte}"));
        using HttpClient client = await Tenant(service);
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync("/v1/files", Form(40 * Megabyte, ("purpose", "fine-tune")))).StatusCode);
        foreach (int bytes in new[] { (40 * Megabyte) + 1, 42 * Megabyte, 100 * Megabyte })
        {
            JsonNode error = await client.PostAsync("/v1/files", Form(bytes, ("purpose", "fine-tune"))).Error(HttpStatusCode.RequestEntityTooLarge);
            Assert.Contains("FineTune:MaxUploadBytes", (string?)error["message"]);
        }
        Assert.Empty(data.Entries("tmp"));
    }

    [Fact]
    public async Task Upload_AdapterBeyondTheFrameworksFormLimit_IsRead()
    {
        using var data = new DataFolder();
        using var service = new ServiceProcess(data);
        using HttpClient client = await Tenant(service);
        // Zeros are no zip: that it says so shows that all of them arrived.
        JsonNode error = await client.PostAsync("/v1/adapters", Form(129 * Megabyte, ("model", TestService.BaseModel))).Error(HttpStatusCode.BadRequest);
        Assert.Equal("invalid_adapter", (string?)error["code"]);
        Assert.Empty(data.Entries("tmp"));
    }

    [Fact]
    public async Task Upload_BeyondTheTenantsStoredBytes_Is413ThatNamesTheOption()
    {
        using var data = new DataFolder();
        using var service = new ServiceProcess(data, ("FineTune__MaxStoredBytes", $"{3 * Megabyte}"));
        using HttpClient client = await Tenant(service);
        HttpResponseMessage[] answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => client.PostAsync("/v1/files", Form(Megabyte, ("purpose", "fine-tune")))));
        Assert.Equal(3, answers.Count(answer => answer.IsSuccessStatusCode));
        JsonNode error = await client.PostAsync("/v1/files", Form(Megabyte, ("purpose", "fine-tune"))).Error(HttpStatusCode.RequestEntityTooLarge);
        Assert.Equal("storage_limit_exceeded", (string?)error["code"]);
        Assert.Contains("FineTune:MaxStoredBytes", (string?)error["message"]);
        Assert.Equal(3, (await client.Get("/v1/files"))["data"]!.AsArray().Count);
        await client.DeleteAsync($"/v1/files/{JsonNode.Parse(await answers.First(answer => answer.IsSuccessStatusCode).Content.ReadAsStringAsync())!["id"]}");
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync("/v1/files", Form(Megabyte, ("purpose", "fine-tune")))).StatusCode);
    }

    private static MultipartFormDataContent Form(int bytes, (string Name, string Value) field) =>
        new() { { new StringContent(field.Value), field.Name }, { new StreamContent(new Zeros(bytes)), "file", "zeros" } };

    private static async Task<HttpClient> Tenant(ServiceProcess service)
    {
        using HttpClient admin = await service.Client(TestService.AdminKey);
        await admin.Post("/v1/tenants", new { id = "acme" });
        return await service.Client((string)(await admin.Post("/v1/api_keys", new { tenant = "acme" }))["key"]!);
    }

    /// <summary>So many zero bytes, of which none is in memory.</summary>
    private sealed class Zeros(long length) : Stream
    {
        public override bool CanRead => true;
        public override bool CanSeek => true;
        public override bool CanWrite => false;
        public override long Length => length;
        public override long Position { get; set; }

        public override int Read(byte[] buffer, int offset, int count)
        {
            int read = (int)Math.Min(count, length - Position);
            Array.Clear(buffer, offset, read);
            Position += read;
            return read;
        }

        public override long Seek(long offset, SeekOrigin origin) => Position = origin == SeekOrigin.Begin ? offset : throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush() { }
    }
}
