using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;

namespace FineTuneService.Tests.Evaluations;

public sealed class EvaluationRefusalTests(TestService service) : IClassFixture<TestService>
{
    private const string Base = TestService.BaseModel;

    [Fact]
    public async Task Evaluate_AnotherTenantsFileOrAdapter_Is404()
    {
        HttpClient owner = service.With(await service.NewTenant("eval-owner")), other = service.With(await service.NewTenant("eval-other"));
        string file = await owner.Upload(EvaluationTests.Chat(12)), others = await other.Upload(EvaluationTests.Chat(12));
        string adapter = (string)(await owner.Trained(file, new { max_steps = 1 }))["fine_tuned_model"]!;
        string id = (string)(await owner.Get("/v1/adapters"))["data"]![0]!["id"]!;
        string merged = (string)(await owner.Post($"/v1/adapters/{id}/merge", new { }))["id"]!;

        await owner.Post("/v1/evaluations", new { models = new[] { adapter, merged }, file });
        Assert.Equal("file_not_found", (string?)(await Evaluate(other, file, Base).Error(HttpStatusCode.NotFound))["code"]);
        foreach (string model in new[] { adapter, merged, "gpt-9" })
            Assert.Equal("model_not_found", (string?)(await Evaluate(other, others, Base, model).Error(HttpStatusCode.NotFound))["code"]);
    }

    [Fact]
    public async Task Evaluate_BrokenRows_Is422ThatNamesTheirLines()
    {
        HttpClient client = service.With(await service.NewTenant("eval-broken"));
        string rows = string.Concat(Enumerable.Range(1, 30).Select(i => i % 2 == 0 ? "{\"prompt\": \"a\", \"completion\": \" b\"}\n" : "{broken\n"));
        JsonNode error = await Evaluate(client, await client.Upload(rows), Base).Error(HttpStatusCode.UnprocessableEntity);
        Assert.Equal(("invalid_evaluation_file", "file"), ((string?)error["code"], (string?)error["param"]));
        string message = (string)error["message"]!;
        Assert.Contains("15 problems: rows.jsonl, line 1 and 14 more (3, 5, 7, 9, …): invalid JSON", message);
    }

    [Fact]
    public async Task Evaluate_NothingToAnswer_Is422()
    {
        HttpClient client = service.With(await service.NewTenant("eval-empty"));
        string weightless = "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"assistant\", \"content\": \"b\", \"weight\": 0}]}\n";
        foreach (string rows in new[] { "\n", "[]", weightless })
            await Evaluate(client, await client.Upload(rows), Base).Error(HttpStatusCode.UnprocessableEntity);
    }

    [Theory]
    [InlineData("{\"models\": [\"talers-2m\"], \"file\": \"F\", \"metrics\": [\"f1\"]}", "unknown_parameter", "metrics")]
    [InlineData("{\"models\": [\"talers-2m\"]}", "missing_required_parameter", "file")]
    [InlineData("{\"file\": \"F\"}", "missing_required_parameter", "models")]
    [InlineData("{\"models\": \"talers-2m\", \"file\": \"F\"}", "invalid_value", "models")]
    [InlineData("{\"models\": [], \"file\": \"F\"}", "invalid_value", "models")]
    [InlineData("{\"models\": [null], \"file\": \"F\"}", "invalid_value", "models")]
    [InlineData("{\"models\": [\"talers-2m\", \"talers-2m\"], \"file\": \"F\"}", "invalid_value", "models")]
    [InlineData("{\"models\": [\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\",\"12\",\"13\",\"14\",\"15\",\"16\",\"17\"], \"file\": \"F\"}", "invalid_value", "models")]
    public async Task Evaluate_BadBody_Is400ThatNamesTheField(string body, string code, string param)
    {
        HttpClient client = service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
        string filled = body.Replace("\"F\"", $"\"{await client.Upload(EvaluationTests.Chat(2))}\"");
        JsonNode error = await client.PostAsync("/v1/evaluations", new StringContent(filled, Encoding.UTF8, "application/json")).Error(HttpStatusCode.BadRequest);
        Assert.Equal((code, param), ((string?)error["code"], (string?)error["param"]));
    }

    [Fact]
    public async Task Evaluate_MoreRowsThanTheOption_Is400ThatNamesIt()
    {
        HttpClient client = service.With(await service.NewTenant("eval-many"));
        JsonNode error = await Evaluate(client, await client.Upload(EvaluationTests.Chat(2001)), Base).Error(HttpStatusCode.BadRequest);
        Assert.Contains("FineTune:MaxEvaluationRows", (string?)error["message"]);
    }

    [Fact]
    public async Task Evaluate_FileOfAnotherPurpose_Is400()
    {
        HttpClient client = service.With(await service.NewTenant("eval-purpose"));
        using var form = new MultipartFormDataContent { { new StringContent("batch"), "purpose" }, { new StringContent(EvaluationTests.Chat(2)), "file", "rows.jsonl" } };
        JsonNode file = JsonNode.Parse(await (await client.PostAsync("/v1/files", form, TestContext.Current.CancellationToken)).Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!;
        Assert.Equal("file", (string?)(await Evaluate(client, (string)file["id"]!, Base).Error(HttpStatusCode.BadRequest))["param"]);
    }

    private static Task<HttpResponseMessage> Evaluate(HttpClient client, string file, params string[] models) =>
        client.PostAsJsonAsync("/v1/evaluations", new { models, file });
}
