using System.Net;
using System.Text.Json.Nodes;

namespace FineTuneService.Tests.Hosting;

/// <summary>Lists that are read while what is listed goes away.</summary>
public sealed class PagingTests(TestService service) : IClassFixture<TestService>
{
    [Theory, InlineData("asc"), InlineData("desc")]
    public async Task List_EachDeletedAsItComes_GoesThroughAll(string order)
    {
        HttpClient client = service.With(await service.NewTenant($"deletes-{order}"));
        var uploaded = new List<string>();
        for (int i = 0; i < 7; i++) uploaded.Add(await client.Upload($"file {i}"));
        var seen = new List<string>();
        // As OpenAI's clients do: the next page is the one after the last id of this page.
        for (string query = ""; ;)
        {
            JsonNode page = await client.Get($"/v1/files?limit=2&order={order}{query}");
            foreach (JsonNode? file in page["data"]!.AsArray())
            {
                seen.Add((string)file!["id"]!);
                (await client.DeleteAsync($"/v1/files/{seen[^1]}")).EnsureSuccessStatusCode();
            }
            if (!(bool)page["has_more"]!) break;
            query = $"&after={seen[^1]}";
        }
        Assert.Equal(order == "asc" ? uploaded : uploaded.AsEnumerable().Reverse(), seen);
        Assert.Empty((await client.Get("/v1/files"))["data"]!.AsArray());
    }

    [Fact]
    public async Task After_RowThatLeftTheFilter_GoesOn()
    {
        HttpClient client = service.With(await service.NewTenant("filters"));
        string rows = string.Concat(Enumerable.Repeat("{broken\n", 2));
        string file = await client.Upload(rows);
        async Task<string> Create() => (string)(await client.Post("/v1/fine_tuning/jobs", new { model = TestService.BaseModel, training_file = file }))["id"]!;
        string first = await Create(), second = await Create();
        await client.Ended(second);
        // It has failed since, and is no longer among the queued.
        Assert.Empty((await client.Get($"/v1/fine_tuning/jobs?status=queued&after={second}"))["data"]!.AsArray());
        await client.Ended(first);
        Assert.Equal(first, (string?)(await client.Get($"/v1/fine_tuning/jobs?status=failed&after={second}"))["data"]![0]!["id"]);
    }

    [Fact]
    public async Task After_AnothersIdOrOneThatNeverWas_Is404()
    {
        HttpClient owner = service.With(await service.NewTenant("cursor-owner")), other = service.With(await service.NewTenant("cursor-other"));
        string kept = await owner.Upload("kept"), deleted = await owner.Upload("deleted");
        (await owner.DeleteAsync($"/v1/files/{deleted}")).EnsureSuccessStatusCode();
        Assert.Single((await owner.Get($"/v1/files?after={deleted}"))["data"]!.AsArray());
        foreach (string after in new[] { kept, deleted, "file-000000000000000000000000", "%00", "'; DROP TABLE files; --" })
            Assert.Equal("after", (string?)(await other.GetAsync($"/v1/files?after={Uri.EscapeDataString(after)}").Error(HttpStatusCode.NotFound))["param"]);
        // An id of another kind of list is none of this one's.
        await owner.GetAsync($"/v1/adapters?after={deleted}").Error(HttpStatusCode.NotFound);
    }
}
