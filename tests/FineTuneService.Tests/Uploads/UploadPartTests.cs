using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using FineTuneService.Data;
using FineTuneService.Uploads;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace FineTuneService.Tests.Uploads;

/// <summary>Files in parts, and files that go by themselves.</summary>
public sealed class UploadPartTests(TestService service) : IClassFixture<TestService>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Complete_PartsInTheOrderGiven_IsTheFile()
    {
        HttpClient client = await Client();
        JsonNode upload = await Begin(client, 11);
        string second = await Part(client, upload, "world"), first = await Part(client, upload, "hello ");
        string md5 = Convert.ToHexString(MD5.HashData("hello world"u8));
        JsonNode done = await client.Post($"/v1/uploads/{upload["id"]}/complete", new { part_ids = new[] { first, second }, md5 });
        Assert.Equal("completed", (string)done["status"]!);
        Assert.Equal("hello world", await client.GetStringAsync($"/v1/files/{done["file"]!["id"]}/content", Cancel));
        Assert.Equal("rows.jsonl", (string)done["file"]!["filename"]!);
        await client.PostAsJsonAsync($"/v1/uploads/{upload["id"]}/complete", new { part_ids = new[] { first } }, Cancel).Error(HttpStatusCode.Conflict);
    }

    [Fact]
    public async Task Complete_WrongBytesPartsOrChecksum_IsRefusedAndCanBeMended()
    {
        HttpClient client = await Client();
        JsonNode upload = await Begin(client, 6);
        string path = $"/v1/uploads/{upload["id"]}/complete", half = await Part(client, upload, "abc");
        foreach ((object body, string param) in new (object, string)[]
        {
            (new { part_ids = new[] { half } }, "part_ids"), (new { part_ids = Array.Empty<string>() }, "part_ids"), (new { part_ids = new[] { half, "part-other" } }, "part_ids"),
        }) Assert.Equal(param, (string?)(await client.PostAsJsonAsync(path, body, Cancel).Error(HttpStatusCode.BadRequest))["param"]);
        Assert.Equal("data", (string?)(await client.PostAsync($"/v1/uploads/{upload["id"]}/parts", Form("defg"), Cancel).Error(HttpStatusCode.BadRequest))["param"]);
        string rest = await Part(client, upload, "def");
        Assert.Equal("md5", (string?)(await client.PostAsJsonAsync(path, new { part_ids = new[] { half, rest }, md5 = "00" }, Cancel).Error(HttpStatusCode.BadRequest))["param"]);
        await client.Post(path, new { part_ids = new[] { half, rest } });
    }

    [Fact]
    public async Task Cancel_Pending_LeavesNothing()
    {
        string tenant = $"t{Guid.NewGuid():n}";
        HttpClient client = service.With(await service.NewTenant(tenant));
        JsonNode upload = await Begin(client, 100);
        await Part(client, upload, "abc");
        Assert.Single(Directory.GetFiles(Path.Combine(service.Data, "blobs", tenant)));
        Assert.Equal("cancelled", (string)(await client.Post($"/v1/uploads/{upload["id"]}/cancel", new { }))["status"]!);
        Assert.Empty(Directory.GetFiles(Path.Combine(service.Data, "blobs", tenant)));
        await client.PostAsync($"/v1/uploads/{upload["id"]}/parts", Form("abc"), Cancel).Error(HttpStatusCode.Conflict);
        HttpClient other = await Client();
        await other.PostAsync($"/v1/uploads/{upload["id"]}/cancel", null, Cancel).Error(HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData("""{"filename": "a", "purpose": "assistants", "bytes": 1, "mime_type": "text/plain"}""", "purpose")]
    [InlineData("""{"filename": "a", "purpose": "batch", "bytes": 0, "mime_type": "text/plain"}""", "bytes")]
    [InlineData("""{"filename": "", "purpose": "batch", "bytes": 1, "mime_type": "text/plain"}""", "filename")]
    [InlineData("""{"filename": "a", "purpose": "batch", "bytes": 1, "mime_type": "text/plain", "expires_after": {"anchor": "created_at", "seconds": 5}}""", "expires_after.seconds")]
    public async Task Create_WhatCannotBe_IsRefusedByName(string body, string param) =>
        Assert.Equal(param, (string?)(await (await Client()).PostAsync("/v1/uploads", JsonContent.Create(JsonNode.Parse(body)), Cancel).Error(HttpStatusCode.BadRequest))["param"]);

    [Fact]
    public async Task Sweep_FileAndUploadPastTheirTime_AreGone()
    {
        HttpClient client = await Client();
        using var form = new MultipartFormDataContent
        {
            { new StringContent("fine-tune"), "purpose" }, { new StringContent("created_at"), "expires_after[anchor]" }, { new StringContent("3600"), "expires_after[seconds]" },
            { new ByteArrayContent("abc"u8.ToArray()), "file", "rows.jsonl" },
        };
        JsonNode file = JsonNode.Parse(await (await client.PostAsync("/v1/files", form, Cancel)).Content.ReadAsStringAsync(Cancel))!;
        Assert.Equal((long)file["created_at"]! + 3600, (long)file["expires_at"]!);
        JsonNode upload = await Begin(client, 10);
        await Part(client, upload, "abc");
        await using (service.Services.GetRequiredService<IServiceScopeFactory>().SystemScope(out FineTuneDbContext db))
        {
            string fileId = (string)file["id"]!, uploadId = (string)upload["id"]!;
            await db.Files.Where(row => row.Id == fileId).ExecuteUpdateAsync(set => set.SetProperty(row => row.ExpiresAt, 1L), Cancel);
            await db.Uploads.Where(row => row.Id == uploadId).ExecuteUpdateAsync(set => set.SetProperty(row => row.ExpiresAt, 1L), Cancel);
        }
        await service.Services.GetRequiredService<Expiry>().Sweep(Cancel);
        await client.GetAsync($"/v1/files/{file["id"]}", Cancel).Error(HttpStatusCode.NotFound);
        await client.PostAsync($"/v1/uploads/{upload["id"]}/parts", Form("abc"), Cancel).Error(HttpStatusCode.Conflict);
    }

    private static Task<JsonNode> Begin(HttpClient client, int bytes) => client.Post("/v1/uploads", new { filename = "rows.jsonl", purpose = "fine-tune", bytes, mime_type = "application/jsonl" });

    private static async Task<string> Part(HttpClient client, JsonNode upload, string text)
    {
        HttpResponseMessage answer = await client.PostAsync($"/v1/uploads/{upload["id"]}/parts", Form(text), Cancel);
        JsonNode part = JsonNode.Parse(await answer.Content.ReadAsStringAsync(Cancel))!;
        Assert.True(answer.IsSuccessStatusCode, part.ToJsonString());
        return (string)part["id"]!;
    }

    private static MultipartFormDataContent Form(string text) => new() { { new ByteArrayContent(Encoding.UTF8.GetBytes(text)), "data", "part" } };

    private async Task<HttpClient> Client() => service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
}
