using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace FineTuneService.Tests.Tenants;

public sealed class AccessTests(TestService service) : IClassFixture<TestService>
{
    [Theory, InlineData("/v1/files"), InlineData("/v1/models"), InlineData("/v1/fine_tuning/jobs"), InlineData("/v1/adapters"), InlineData("/v1/tenants")]
    public async Task Get_WithoutOrWithWrongKey_Is401(string path)
    {
        await service.CreateClient().GetAsync(path).Error(HttpStatusCode.Unauthorized);
        Assert.Equal("invalid_api_key", (string?)(await service.With("wrong").GetAsync(path).Error(HttpStatusCode.Unauthorized))["code"]);
    }

    [Fact]
    public async Task Get_RevokedKey_Is401()
    {
        await service.Admin.Post("/v1/tenants", new { id = "revoked" });
        JsonNode key = await service.Admin.Post("/v1/api_keys", new { tenant = "revoked", name = "laptop" });
        HttpClient client = service.With((string)key["key"]!);
        await client.Get("/v1/files");
        Assert.True((await service.Admin.DeleteAsync($"/v1/api_keys/{key["id"]}")).IsSuccessStatusCode);
        await client.GetAsync("/v1/files").Error(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Calls_OfTheOtherKind_Are403()
    {
        HttpClient tenant = service.With(await service.NewTenant("kinds"));
        await tenant.GetAsync("/v1/tenants").Error(HttpStatusCode.Forbidden);
        await service.Admin.GetAsync("/v1/files").Error(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task TenantPath_OwnTenant_IsV1AndAnothers404()
    {
        HttpClient client = service.With(await service.NewTenant("own-path"));
        string file = await client.Upload("{}\n");
        Assert.Equal(file, (string?)(await client.Get($"/tenants/own-path/v1/files/{file}"))["id"]);
        await client.GetAsync("/tenants/another/v1/files").Error(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task EveryObject_OfAnotherTenant_Is404AndInNoList()
    {
        HttpClient owner = service.With(await service.NewTenant("owner")), other = service.With(await service.NewTenant("other"));
        string file = await owner.Upload(string.Concat(Enumerable.Repeat("{\"prompt\": \"a\", \"completion\": \" b\"}\n", 12)));
        string job = (string)(await owner.Post("/v1/fine_tuning/jobs", new { model = TestService.BaseModel, training_file = file, training = new { max_steps = 1 } }))["id"]!;
        JsonNode ended = await owner.Ended(job);
        Assert.Equal("succeeded", (string?)ended["status"]);
        string checkpoint = (string)(await owner.Get($"/v1/fine_tuning/jobs/{job}/checkpoints"))["data"]![0]!["fine_tuned_model_checkpoint"]!;
        string model = (string)ended["fine_tuned_model"]!, adapter = (string)(await owner.Get("/v1/adapters"))["data"]![0]!["id"]!;

        foreach (string path in new[]
        {
            $"/v1/files/{file}", $"/v1/files/{file}/content", $"/v1/fine_tuning/jobs/{job}", $"/v1/fine_tuning/jobs/{job}/events",
            $"/v1/fine_tuning/jobs/{job}/checkpoints", $"/v1/adapters/{adapter}", $"/v1/adapters/{adapter}/content", $"/v1/models/{model}",
            $"/v1/fine_tuning/jobs/{job}/metrics", $"/v1/adapters/{adapter}/receipt", $"/v1/files/{ended["result_files"]![0]}", $"/v1/models/{checkpoint}",
        })
        {
            await owner.GetAsync(path);
            await other.GetAsync(path).Error(HttpStatusCode.NotFound);
        }
        await other.DeleteAsync($"/v1/files/{file}").Error(HttpStatusCode.NotFound);
        await other.DeleteAsync($"/v1/adapters/{adapter}").Error(HttpStatusCode.NotFound);
        await other.DeleteAsync($"/v1/models/{model}").Error(HttpStatusCode.NotFound);
        await other.PostAsJsonAsync($"/v1/adapters/{adapter}/merge", new { }).Error(HttpStatusCode.NotFound);
        foreach (string wish in new[] { "cancel", "stop", "pause", "resume", "reproduce" }) await other.PostAsync($"/v1/fine_tuning/jobs/{job}/{wish}", null).Error(HttpStatusCode.NotFound);
        await other.DeleteAsync($"/v1/fine_tuning/jobs/{job}").Error(HttpStatusCode.NotFound);
        string own = await other.Upload("{}\n");
        Assert.Equal("init_from", (string?)(await other.PostAsJsonAsync("/v1/fine_tuning/jobs", new { model = TestService.BaseModel, training_file = own, init_from = adapter }).Error(HttpStatusCode.NotFound))["param"]);
        await other.DeleteAsync($"/v1/files/{own}");
        await other.PostAsJsonAsync("/v1/chat/completions", new { model, messages = new[] { new { role = "user", content = "a" } } }).Error(HttpStatusCode.NotFound);
        await other.PostAsJsonAsync("/v1/fine_tuning/jobs", new { model = TestService.BaseModel, training_file = file }).Error(HttpStatusCode.NotFound);
        foreach (string list in new[] { "/v1/files", "/v1/fine_tuning/jobs", "/v1/adapters" }) Assert.Empty((await other.Get(list))["data"]!.AsArray());
        Assert.DoesNotContain((await other.Get("/v1/models"))["data"]!.AsArray(), entry => (string?)entry!["id"] == model);
    }
}
