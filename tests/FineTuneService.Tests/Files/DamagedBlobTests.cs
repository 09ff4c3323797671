using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace FineTuneService.Tests.Files;

/// <summary>Stored bytes that are no longer those that were uploaded are never answered, evaluated or trained on.</summary>
public sealed class DamagedBlobTests(TestService service) : IClassFixture<TestService>
{
    // A job's file may be deleted, and its id say nothing any more: it is named as it was uploaded.
    private const string Filename = "rows.jsonl";

    private const string Rows = "{\"prompt\": \"a\", \"completion\": \"b\"}\n";

    public static TheoryData<string> Damages => ["replaced", "one bit", "cut", "missing"];

    [Theory, MemberData(nameof(Damages))]
    public async Task Read_DamagedBytes_Is409ThatNamesTheFile(string damage)
    {
        (HttpClient client, string file) = await Damaged(damage);
        foreach ((Task<HttpResponseMessage> call, string name) in new[]
        {
            (client.GetAsync($"/v1/files/{file}/content"), file),
            (client.PostAsJsonAsync("/v1/evaluations", new { file, models = new[] { TestService.BaseModel } }), file),
            (client.PostAsJsonAsync("/v1/fine_tuning/jobs/estimate", new { model = TestService.BaseModel, training_file = file }), Filename),
        })
        {
            JsonNode error = await call.Error(HttpStatusCode.Conflict);
            Assert.Equal("file_damaged", (string?)error["code"]);
            Assert.Contains(name, (string?)error["message"]);
        }
    }

    [Theory, MemberData(nameof(Damages))]
    public async Task Job_DamagedBytes_FailsAndSaysWhichFile(string damage)
    {
        (HttpClient client, string file) = await Damaged(damage);
        JsonNode job = await client.Ended((string)(await client.Post("/v1/fine_tuning/jobs", new { model = TestService.BaseModel, training_file = file }))["id"]!);
        Assert.Equal(("failed", "file_damaged"), ((string?)job["status"], (string?)job["error"]!["code"]));
        Assert.Contains(Filename, (string?)job["error"]!["message"]);
    }

    [Fact]
    public async Task Upload_OfTheSameBytes_MendsTheDamage()
    {
        (HttpClient client, string file) = await Damaged("replaced");
        await client.Upload(Rows);
        Assert.Equal(Rows, await client.GetStringAsync($"/v1/files/{file}/content"));
    }

    private async Task<(HttpClient, string)> Damaged(string damage)
    {
        string tenant = $"t{Guid.NewGuid():n}";
        HttpClient client = service.With(await service.NewTenant(tenant));
        string id = await client.Upload(Rows), path = Directory.EnumerateFiles(Path.Combine(service.Data, "blobs", tenant)).Single();
        byte[] bytes = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
        switch (damage)
        {
            case "replaced": bytes = [.. Rows.Replace('b', 'c').Select(c => (byte)c)]; break;
            case "one bit": bytes[^3] ^= 1; break;
            case "cut": bytes = bytes[..^1]; break;
        }
        if (damage == "missing") File.Delete(path);
        else await File.WriteAllBytesAsync(path, bytes, TestContext.Current.CancellationToken);
        return (client, id);
    }
}
