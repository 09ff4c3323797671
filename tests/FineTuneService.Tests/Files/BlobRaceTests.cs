using System.Net;

namespace FineTuneService.Tests.Files;

/// <summary>The same bytes uploaded again and again while other copies of them are deleted.</summary>
[Waits]
public sealed class BlobRaceTests(TestService service) : IClassFixture<TestService>
{
    private const int Rounds = 500;

    [Fact]
    public async Task Upload_WhileOtherCopiesAreDeleted_NeverLosesAcknowledgedBytes()
    {
        // In memory where there is such a disk, as what is tested is not the disk's speed.
        using var service = new TestService { Data = Directory.CreateDirectory(Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(), $"finetune-race-{Guid.NewGuid():n}")).FullName };
        HttpClient client = service.With(await service.NewTenant("race"));
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            for (int i = 0; i < Rounds; i++)
            {
                string id = await client.Upload("the same bytes");
                Assert.Equal("the same bytes", await client.GetStringAsync($"/v1/files/{id}/content"));
                Assert.Equal(HttpStatusCode.OK, (await client.DeleteAsync($"/v1/files/{id}")).StatusCode);
            }
        })));
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(service.Data, "blobs", "race")));
    }

    [Fact]
    public async Task Delete_TheSameFileByManyAtOnce_IsDoneOnceAndElse404()
    {
        HttpClient client = service.With(await service.NewTenant("delete-race"));
        for (int round = 0; round < 25; round++)
        {
            string id = await client.Upload($"round {round}");
            HttpResponseMessage[] answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => client.DeleteAsync($"/v1/files/{id}"))));
            Assert.Equal([200, .. Enumerable.Repeat(404, 7)], answers.Select(answer => (int)answer.StatusCode).Order());
        }
    }

    [Fact]
    public async Task Upload_TheSameBytesByManyAtOnce_KeepsEveryFile()
    {
        HttpClient client = service.With(await service.NewTenant("twins"));
        string[] ids = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(() => client.Upload("twins"))));
        Assert.Equal(16, ids.Distinct().Count());
        foreach (string id in ids) Assert.Equal("twins", await client.GetStringAsync($"/v1/files/{id}/content"));
        Assert.Single(Directory.EnumerateFiles(Path.Combine(service.Data, "blobs", "twins")));
    }
}
