using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using FineTuneService.Tests.FineTuningJobs;

namespace FineTuneService.Tests.Tenants;

/// <summary>Tenants' own limits, and keys that are put in others' places.</summary>
public sealed class QuotaTests(TestService service) : IClassFixture<TestService>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Requests_BeyondTheQuota_Are429WithRetryAfterAndOthersGoOn()
    {
        HttpClient client = await With(new { requests_per_minute = 3 });
        for (int left = 2; left >= 0; left--)
        {
            HttpResponseMessage taken = await client.GetAsync("/v1/models", Cancel);
            Assert.Equal((HttpStatusCode.OK, "3", $"{left}"), (taken.StatusCode, Header(taken, "x-ratelimit-limit-requests"), Header(taken, "x-ratelimit-remaining-requests")));
        }
        HttpResponseMessage refused = await client.GetAsync("/v1/models", Cancel);
        Assert.Equal("rate_limit_exceeded", (string?)(await Task.FromResult(refused).Error(HttpStatusCode.TooManyRequests))["code"]);
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 20);
        Assert.Matches("^[0-9]+(ms|s|\\.[0-9]+s|m[0-9]+s)$", Header(refused, "x-ratelimit-reset-requests"));
        Assert.True((await (await With(null)).GetAsync("/v1/models", Cancel)).IsSuccessStatusCode);
    }

    [Fact]
    public async Task Tokens_BeyondTheQuota_Are429UntilTheyAreBack()
    {
        HttpClient client = await With(new { tokens_per_minute = 10 });
        Assert.NotEmpty(await client.Chat(TestService.BaseModel, 8));
        HttpResponseMessage refused = await client.PostAsJsonAsync("/v1/chat/completions", MadeAdapter.Question(TestService.BaseModel, 8, "a", 0), Cancel);
        Assert.Equal((HttpStatusCode.TooManyRequests, "0"), (refused.StatusCode, Header(refused, "x-ratelimit-remaining-tokens")));
        Assert.NotNull(refused.Headers.RetryAfter);
    }

    [Fact]
    public async Task StoredBytes_BeyondTheQuota_AreRefused()
    {
        HttpClient client = await With(new { stored_bytes = 4 });
        using var form = new MultipartFormDataContent { { new StringContent("batch"), "purpose" }, { new ByteArrayContent("12345"u8.ToArray()), "file", "a" } };
        Assert.Equal("storage_limit_exceeded", (string?)(await client.PostAsync("/v1/files", form, Cancel).Error(HttpStatusCode.RequestEntityTooLarge))["code"]);
    }

    [Fact]
    public async Task QueuedJobs_BeyondTheQuota_Are429UntilOneHasEnded()
    {
        HttpClient client = await With(new { queued_jobs = 1 });
        string file = await client.Upload(JobCalls.Rows(10)), job = await client.Train(file, new { max_steps = 5000 });
        object second = new { model = TestService.BaseModel, training_file = file, training = new { max_steps = 1 } };
        HttpResponseMessage refused = await client.PostAsJsonAsync("/v1/fine_tuning/jobs", second, Cancel);
        Assert.Equal("too_many_jobs", (string?)(await Task.FromResult(refused).Error(HttpStatusCode.TooManyRequests))["code"]);
        Assert.NotNull(refused.Headers.RetryAfter);
        Assert.Equal("cancelled", (string?)(await client.Post($"/v1/fine_tuning/jobs/{job}/cancel", new { }))["status"]);
        await client.Ended((string)(await client.Post("/v1/fine_tuning/jobs", second))["id"]!);
    }

    [Fact]
    public async Task Tenant_QuotasChanged_HoldFromThenOn()
    {
        string id = $"t{Guid.NewGuid():n}";
        HttpClient client = service.With(await service.NewTenant(id));
        JsonNode changed = await service.Admin.Post($"/v1/tenants/{id}", new { name = "New", quotas = new { requests_per_minute = 7 } });
        Assert.Equal(("New", 7), ((string)changed["name"]!, (int)changed["quotas"]!["requests_per_minute"]!));
        Assert.Equal("7", Header(await client.GetAsync("/v1/models", Cancel), "x-ratelimit-limit-requests"));
        Assert.Equal("quotas.queued_jobs", (string?)(await service.Admin.PostAsJsonAsync($"/v1/tenants/{id}", new { quotas = new { queued_jobs = 0 } }, Cancel).Error(HttpStatusCode.BadRequest))["param"]);
        // One that is raised helps at once, whatever was used up of the lower one.
        await service.Admin.Post($"/v1/tenants/{id}", new { quotas = new { requests_per_minute = 1 } });
        await client.GetAsync("/v1/models", Cancel);
        await client.GetAsync("/v1/models", Cancel).Error(HttpStatusCode.TooManyRequests);
        await service.Admin.Post($"/v1/tenants/{id}", new { quotas = new { requests_per_minute = 5 } });
        Assert.True((await client.GetAsync("/v1/models", Cancel)).IsSuccessStatusCode);
        await service.Admin.PostAsJsonAsync("/v1/tenants/none-such", new { name = "x" }, Cancel).Error(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Rotate_Key_OpensWithTheNewOneAndTheOldOneForItsGraceOnly()
    {
        string tenant = $"t{Guid.NewGuid():n}";
        await service.Admin.Post("/v1/tenants", new { id = tenant });
        JsonNode first = await service.Admin.Post("/v1/api_keys", new { tenant, name = "ci" });
        JsonNode second = await service.Admin.Post($"/v1/api_keys/{first["id"]}/rotate", new { grace_seconds = 60 });
        Assert.Equal(("ci", tenant), ((string)second["name"]!, (string)second["tenant"]!));
        foreach (JsonNode key in new[] { first, second }) Assert.True((await service.With((string)key["key"]!).GetAsync("/v1/models", Cancel)).IsSuccessStatusCode);
        JsonNode third = await service.Admin.Post($"/v1/api_keys/{second["id"]}/rotate", new { });
        await service.With((string)second["key"]!).GetAsync("/v1/models", Cancel).Error(HttpStatusCode.Unauthorized);
        Assert.True((await service.With((string)third["key"]!).GetAsync("/v1/models", Cancel)).IsSuccessStatusCode);
        await service.Admin.PostAsJsonAsync($"/v1/api_keys/{second["id"]}/rotate", new { }, Cancel).Error(HttpStatusCode.Conflict);
        await service.Admin.PostAsJsonAsync($"/v1/api_keys/{third["id"]}/rotate", new { grace_seconds = -1 }, Cancel).Error(HttpStatusCode.BadRequest);
    }

    private static string Header(HttpResponseMessage answer, string name) => answer.Headers.GetValues(name).Single();

    private async Task<HttpClient> With(object? quotas)
    {
        string id = $"t{Guid.NewGuid():n}";
        await service.Admin.Post("/v1/tenants", new { id, quotas });
        return service.With((string)(await service.Admin.Post("/v1/api_keys", new { tenant = id }))["key"]!);
    }
}
