using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;

namespace FineTuneService.Tests.Hosting;

public sealed class ErrorTests(TestService service) : IClassFixture<TestService>
{
    [Theory]
    [InlineData("{\"id\": \"x1\", \"colour\": 1}", "unknown_parameter", "colour")]
    [InlineData("{\"name\": \"x\"}", "missing_required_parameter", "id")]
    [InlineData("{\"id\": 3}", "invalid_value", "id")]
    [InlineData("{\"id\": ", "invalid_json", null)]
    [InlineData("{\"id\": \"No Spaces\"}", "invalid_value", "id")]
    public async Task Post_BadBody_Is400ThatNamesTheField(string body, string code, string? param)
    {
        var error = await service.Admin.PostAsync("/v1/tenants", new StringContent(body, Encoding.UTF8, "application/json")).Error(HttpStatusCode.BadRequest);
        Assert.Equal(code, (string?)error["code"]);
        if (param is not null) Assert.Equal(param, (string?)error["param"]);
    }

    [Theory]
    [InlineData("{\"id\": \"a\",}", "line 1, byte 12", "a comma stands before a closing bracket")]
    [InlineData("{\n \"id\": tru}", "line 2, byte 11", "tru")]
    [InlineData("  ", "line 1, byte 3", "there is nothing in it")]
    [InlineData("{\"id\": \"a\"", "line 1", "is not closed")]
    public async Task Post_BrokenJson_SaysWhereAndWhatInPlainWords(string body, string place, string what)
    {
        var error = await service.Admin.PostAsync("/v1/tenants", new StringContent(body, Encoding.UTF8, "application/json")).Error(HttpStatusCode.BadRequest);
        string message = (string)error["message"]!;
        Assert.Contains(place, message);
        Assert.Contains(what, message);
        Assert.DoesNotContain("LineNumber", message);
        Assert.DoesNotContain("reader options", message);
    }

    [Theory]
    [InlineData("{\"id\": 5}", "'id': it must be a text.")]
    [InlineData("{\"id\": \"a\", \"quotas\": 5}", "'quotas': it must be an object.")]
    [InlineData("{\"id\": \"a\", \"quotas\": {\"queued_jobs\": \"5\"}}", "'quotas.queued_jobs': it must be a whole number below 2^31.")]
    [InlineData("[]", "the body: it must be an object.")]
    public async Task Post_ValueOfAnotherType_SaysWhichItMustBe(string body, string message)
    {
        var error = await service.Admin.PostAsync("/v1/tenants", new StringContent(body, Encoding.UTF8, "application/json")).Error(HttpStatusCode.BadRequest);
        Assert.EndsWith(message, (string)error["message"]!);
    }

    [Fact]
    public async Task Post_FieldInAnotherCase_IsAnotherField()
    {
        var error = await service.Admin.PostAsync("/v1/tenants", new StringContent("{\"Id\": \"a\"}", Encoding.UTF8, "application/json")).Error(HttpStatusCode.BadRequest);
        Assert.Equal("Id", (string?)error["param"]);
    }

    [Fact]
    public async Task List_UnknownStatus_IsRefusedAndAnEmptyOneIsNone()
    {
        HttpClient client = service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
        await client.Upload("{}\n");
        Assert.Equal("status", (string?)(await client.GetAsync("/v1/fine_tuning/jobs?status=done").Error(HttpStatusCode.BadRequest))["param"]);
        Assert.Empty((await client.Get("/v1/fine_tuning/jobs?status=&model="))["data"]!.AsArray());
        Assert.Single((await client.Get("/v1/files?purpose="))["data"]!.AsArray());
    }

    [Fact]
    public async Task Request_NoSuchPathMethodOrMediaType_HasAnErrorObject()
    {
        await service.Admin.GetAsync("/v1/nothing").Error(HttpStatusCode.NotFound);
        await service.Admin.PutAsync("/v1/tenants", null).Error(HttpStatusCode.MethodNotAllowed);
        await service.Admin.PostAsync("/v1/tenants", new StringContent("id=x")).Error(HttpStatusCode.UnsupportedMediaType);
    }

    [Theory]
    [InlineData("lora", "{\"rank\": 0}", "lora.rank")]
    [InlineData("lora", "{\"use_qalora\": true}", "lora.use_qalora")]
    [InlineData("training", "{\"optimizer\": \"adagrad\"}", "training.optimizer")]
    [InlineData("quantization", "{\"type\": \"int3\"}", "quantization.type")]
    [InlineData("method", "{\"type\": \"reinforcement\"}", "method.type")]
    [InlineData("packing", "true", "packing")]
    public async Task CreateJob_FieldNotBuilt_IsRefusedByName(string field, string value, string param)
    {
        HttpClient client = service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
        string body = $"{{\"model\": \"{TestService.BaseModel}\", \"training_file\": \"file-x\", \"{field}\": {value}}}";
        var error = await client.PostAsync("/v1/fine_tuning/jobs", new StringContent(body, Encoding.UTF8, "application/json")).Error(HttpStatusCode.BadRequest);
        Assert.Equal(param, (string?)error["param"]);
    }

    [Fact]
    public async Task CreateJob_UnknownModelOrFile_Is404()
    {
        HttpClient client = service.With(await service.NewTenant("unknowns"));
        string file = await client.Upload("{}\n");
        Assert.Equal("model_not_found", (string?)(await client.PostAsJsonAsync("/v1/fine_tuning/jobs", new { model = "gpt-9", training_file = file }).Error(HttpStatusCode.NotFound))["code"]);
        await client.PostAsJsonAsync("/v1/fine_tuning/jobs", new { model = TestService.BaseModel, training_file = "file-none" }).Error(HttpStatusCode.NotFound);
    }

    /// <summary>What a call's path says whole.</summary>
    private static readonly string[] WithoutBody = ["/cancel", "/stop", "/pause", "/resume", "/drain", "/pin", "/unpin"];

    [Fact]
    public async Task OpenApi_Document_HasAnExampleForEveryBodyAndAnswer()
    {
        JsonNode document = await service.CreateClient().Get("/swagger/v1/swagger.json");
        var missing = new List<string>();
        foreach ((string path, JsonNode? operations) in document["paths"]!.AsObject())
        {
            foreach ((string method, JsonNode? operation) in operations!.AsObject())
            {
                string name = $"{method} {path}";
                if (method == "post" && operation!["requestBody"] is null && !WithoutBody.Any(path.EndsWith)) missing.Add($"{name}: body");
                if (operation!["requestBody"]?["content"]?["application/json"] is { } body && body["example"] is null) missing.Add($"{name}: example of its body");
                if (!path.EndsWith("/content") && operation["responses"]!["200"]!["content"]?["application/json"]?["example"] is null) missing.Add($"{name}: example of its answer");
            }
        }
        Assert.Empty(missing);
        Assert.All(document["components"]!["schemas"]!.AsObject(), schema => Assert.Matches("^[a-zA-Z0-9._-]+$", schema.Key));
    }

    [Fact]
    public async Task OpenApi_Document_ListsEveryEndpoint()
    {
        var paths = (await service.CreateClient().Get("/swagger/v1/swagger.json"))["paths"]!.AsObject();
        foreach (string path in new[] { "/v1/files", "/v1/fine_tuning/jobs", "/v1/fine_tuning/jobs/estimate", "/v1/models", "/v1/adapters/{id}/merge", "/v1/chat/completions", "/v1/completions", "/v1/evaluations", "/v1/tenants", "/v1/api_keys", "/readyz" })
            Assert.True(paths.ContainsKey(path), path);
    }
}
