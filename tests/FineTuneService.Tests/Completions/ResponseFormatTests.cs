using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using FineTuneService.Engine.Generation.Schemas;

namespace FineTuneService.Tests.Completions;

/// <summary>response_format on chat: every answer fits, streamed or not; what cannot be followed is refused by name.</summary>
public sealed class ResponseFormatTests(TestService service) : IClassFixture<TestService>
{
    private const string Path = "/v1/chat/completions";
    private const string Schema = """
        {"type": "object", "properties": {"city": {"enum": ["Oslo", "Bergen"]}, "days": {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 14}, "maxItems": 3}, "sure": {"type": "boolean"}},
         "required": ["city", "days", "sure"], "additionalProperties": false}
        """;

    [Fact]
    public async Task Chat_JsonSchema_EveryChoiceFitsStreamedAndNot()
    {
        HttpClient client = await Client();
        SchemaGrammar exact = SchemaGrammar.Compile(Schema);
        for (int seed = 0; seed < 6; seed++)
        {
            JsonObject body = Body(Schema, seed);
            JsonNode answer = await client.Post(Path, body);
            Assert.Equal(2, answer["choices"]!.AsArray().Count);
            string[] whole = [.. answer["choices"]!.AsArray().Select(choice => (string)choice!["message"]!["content"]!)];
            Assert.All(whole, text => Assert.True(exact.Accepts(text), text));
            Assert.All(answer["choices"]!.AsArray(), choice => Assert.Equal("stop", (string)choice!["finish_reason"]!));
            body["stream"] = true;
            Assert.Equal(whole, await Streamed(client, body));
        }
    }

    [Fact]
    public async Task Chat_JsonObject_IsAnObjectWhereItEnds()
    {
        HttpClient client = await Client();
        JsonNode answer = await client.Post(Path, new { model = "talers-2m", messages = Question(), max_tokens = 200, seed = 5, response_format = new { type = "json_object" } });
        var choice = answer["choices"]![0]!;
        string text = (string)choice["message"]!["content"]!;
        Assert.StartsWith("{", text, StringComparison.Ordinal);
        if ((string)choice["finish_reason"]! == "stop") Assert.Equal(JsonValueKind.Object, JsonDocument.Parse(text).RootElement.ValueKind);
    }

    [Theory]
    [InlineData("""{"type": "xml"}""")]
    [InlineData("""{"type": "json_schema"}""")]
    [InlineData("""{"type": "json_object", "json_schema": {"name": "a", "schema": {}}}""")]
    [InlineData("""{"type": "json_schema", "json_schema": {"name": "a", "schema": {"pattern": "(a)\\1"}}}""")]
    [InlineData("""{"type": "json_schema", "json_schema": {"name": "a", "schema": {"$ref": "https://example.com/a"}}}""")]
    [InlineData("""{"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "string", "maxLength": 1, "minLength": 2}}}""")]
    public async Task Chat_FormatThatCannotBeFollowed_IsRefusedByName(string format)
    {
        string body = $"{{\"model\": \"talers-2m\", \"messages\": [{{\"role\": \"user\", \"content\": \"hi\"}}], \"max_tokens\": 5, \"response_format\": {format}}}";
        JsonNode error = await (await Client()).PostAsync(Path, new StringContent(body, System.Text.Encoding.UTF8, "application/json")).Error(HttpStatusCode.BadRequest);
        Assert.Equal(("invalid_value", "response_format"), ((string?)error["code"], (string?)error["param"]));
    }

    private static JsonObject Body(string schema, int seed) => new()
    {
        ["model"] = "talers-2m",
        ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = "Where, and for how long?" }),
        ["max_tokens"] = 200,
        ["temperature"] = 1.5,
        ["seed"] = seed,
        ["n"] = 2,
        ["response_format"] = new JsonObject { ["type"] = "json_schema", ["json_schema"] = new JsonObject { ["name"] = "trip", ["strict"] = true, ["schema"] = JsonNode.Parse(schema) } },
    };

    private static object[] Question() => [new { role = "user", content = "Tell me of the red stone." }];

    private static async Task<string[]> Streamed(HttpClient client, JsonObject body)
    {
        string[] texts = ["", ""];
        foreach (JsonNode chunk in await Chunks(client, body))
        {
            foreach (JsonNode? choice in chunk["choices"]!.AsArray()) texts[(int)choice!["index"]!] += (string?)choice["delta"]!["content"] ?? "";
        }
        return texts;
    }

    internal static async Task<List<JsonNode>> Chunks(HttpClient client, JsonNode body)
    {
        HttpResponseMessage response = await client.PostAsync(Path, new StringContent(body.ToJsonString(), System.Text.Encoding.UTF8, "application/json"));
        string text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        string[] events = [.. text.Split('\n').Where(line => line.StartsWith("data: ", StringComparison.Ordinal)).Select(line => line[6..])];
        Assert.Equal("[DONE]", events[^1]);
        return [.. events[..^1].Select(data => JsonNode.Parse(data)!)];
    }

    private async Task<HttpClient> Client() => service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
}
