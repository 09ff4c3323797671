using System.Net;
using System.Net.Http.Json;

namespace FineTuneService.Tests.Tenants;

public sealed class TenantRaceTests(TestService service) : IClassFixture<TestService>
{
    [Fact]
    public async Task Create_SameIdAtOnce_OneIsMadeAndTheOthersAre409()
    {
        HttpClient admin = service.Admin;
        for (int round = 0; round < 5; round++)
        {
            string id = $"race-{round}";
            HttpResponseMessage[] answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => Task.Run(() => admin.PostAsJsonAsync("/v1/tenants", new { id }))));
            Assert.Single(answers, answer => answer.StatusCode == HttpStatusCode.OK);
            Assert.Equal(11, answers.Count(answer => answer.StatusCode == HttpStatusCode.Conflict));
        }
    }

    [Fact]
    public async Task Revoke_SameKeyAtOnce_Is200OrConflictAndNever500()
    {
        HttpClient admin = service.Admin;
        await admin.Post("/v1/tenants", new { id = "revokes" });
        string key = (string)(await admin.Post("/v1/api_keys", new { tenant = "revokes" }))["id"]!;
        HttpResponseMessage[] answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => Task.Run(() => admin.DeleteAsync($"/v1/api_keys/{key}"))));
        Assert.All(answers, answer => Assert.Contains(answer.StatusCode, new[] { HttpStatusCode.OK, HttpStatusCode.Conflict, HttpStatusCode.NotFound }));
    }
}
