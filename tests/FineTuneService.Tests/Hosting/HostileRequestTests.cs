using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace FineTuneService.Tests.Hosting;

/// <summary>One request for each class of fault that once gave a 500, a .NET type's name, or silence.</summary>
public sealed class HostileRequestTests(TestService service) : IClassFixture<TestService>
{
    private const string Chat = "/v1/chat/completions", Complete = "/v1/completions", Jobs = "/v1/fine_tuning/jobs";

    [Theory]
    [InlineData(Chat, "{\"model\": \"talers-2m\", \"messages\": [null]}", "messages")]
    [InlineData(Chat, "{\"model\": \"talers-2m\", \"messages\": [{\"role\": null, \"content\": \"x\"}]}", "messages[0].role")]
    [InlineData(Chat, "{\"model\": \"talers-2m\", \"messages\": [], \"stop\": [[\"x\"]]}", "stop")]
    [InlineData(Chat, "{\"model\": \"a\", \"model\": \"talers-2m\", \"messages\": []}", "model")]
    [InlineData(Complete, "{\"model\": \"talers-2m\", \"prompt\": null}", "prompt")]
    [InlineData(Complete, "{\"model\": \"talers-2m\", \"prompt\": \"\"}", "prompt")]
    [InlineData(Jobs, "{\"model\": \"talers-2m\", \"training_file\": \"x\", \"metadata\": {\"a\": null}}", "metadata")]
    [InlineData(Jobs, "{\"model\": \"talers-2m\", \"training_file\": \"x\", \"lora\": {\"target_modules\": [null]}}", "lora.target_modules")]
    [InlineData(Jobs, "{\"model\": \"talers-2m\", \"training_file\": \"x\", \"lora\": {\"target_modules\": [\"q\"]}}", "lora.target_modules")]
    [InlineData(Jobs, "{\"model\": \"talers-2m\", \"training_file\": \"x\", \"training\": {\"warmup\": 1e30}}", "training.warmup")]
    [InlineData(Jobs, "", null)]
    public async Task Post_BadValue_Is400ThatNamesTheFieldAndNoType(string path, string body, string? param)
    {
        JsonNode error = await (await Client()).PostAsync(path, new StringContent(body, Encoding.UTF8, "application/json")).Error(HttpStatusCode.BadRequest);
        Assert.Equal(param, (string?)error["param"]);
        foreach (string inside in new[] { "FineTuneService", "System", "nullability", "Implicit" }) Assert.DoesNotContain(inside, (string)error["message"]!);
    }

    [Fact]
    public async Task Post_UnknownCharset_Is415()
    {
        var content = new StringContent("{}");
        content.Headers.Remove("Content-Type");
        content.Headers.TryAddWithoutValidation("Content-Type", "application/json; charset=nope");
        await (await Client()).PostAsync(Chat, content).Error(HttpStatusCode.UnsupportedMediaType);
    }

    [Theory, InlineData("limit=x", "limit", 400), InlineData("order=up", "order", 400), InlineData("after=nope", "after", 404)]
    public async Task List_BadQuery_NamesIt(string query, string param, int status)
    {
        foreach (string path in new[] { "/v1/files", Jobs, "/v1/adapters" })
            Assert.Equal(param, (string?)(await (await Client()).GetAsync($"{path}?{query}").Error((HttpStatusCode)status))["param"]);
    }

    [Fact]
    public async Task Get_LongId_IsNotRepeatedWhole()
    {
        JsonNode error = await (await Client()).GetAsync("/v1/files/" + new string('a', 4000)).Error(HttpStatusCode.NotFound);
        Assert.True(((string)error["message"]!).Length < 300);
    }

    [Theory]
    [InlineData("response_format", "{\"type\": \"text\"}", 200)]
    [InlineData("tools", "[]", 200)]
    [InlineData("logprobs", "null", 200)]
    [InlineData("store", "false", 200)]
    [InlineData("store", "true", 400)]
    [InlineData("reasoning_effort", "\"high\"", 400)]
    public async Task Chat_FieldNotBuilt_IsTakenOnlyWhereItAsksForNothing(string field, string value, int status)
    {
        string body = $"{{\"model\": \"talers-2m\", \"messages\": [{{\"role\": \"user\", \"content\": \"a\"}}], \"max_tokens\": 1, \"{field}\": {value}}}";
        Task<HttpResponseMessage> call = (await Client()).PostAsync(Chat, new StringContent(body, Encoding.UTF8, "application/json"));
        if (status == 200) Assert.Equal(HttpStatusCode.OK, (await call).StatusCode);
        else Assert.Equal(("unknown_parameter", field), (await call.Error(HttpStatusCode.BadRequest)) is var error ? ((string?)error["code"], (string?)error["param"]) : default);
    }

    private async Task<HttpClient> Client() => service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
}
