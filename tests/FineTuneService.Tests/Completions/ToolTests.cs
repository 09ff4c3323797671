using System.Net;
using System.Text.Json.Nodes;
using FineTuneService.Engine.Generation.Schemas;

namespace FineTuneService.Tests.Completions;

/// <summary>Tools: required calls always fit their function's schema; messages of calls and results are part of a conversation.</summary>
public sealed class ToolTests(TestService service) : IClassFixture<TestService>
{
    private const string Path = "/v1/chat/completions";
    private const string Parameters = """{"type": "object", "properties": {"place": {"$ref": "#/$defs/place"}, "days": {"type": "integer", "minimum": 1, "maximum": 14}}, "required": ["place", "days"], "additionalProperties": false, "$defs": {"place": {"enum": ["Oslo", "Bergen"]}}}""";
    private const string Weather = $$$"""{"type": "function", "function": {"name": "get_weather", "description": "Weather at a place", "parameters": {{{Parameters}}}}}""";
    private const string Stop = """{"type": "function", "function": {"name": "stop"}}""";

    [Theory]
    [InlineData("\"required\"", Weather)]
    [InlineData("\"required\"", Weather + "," + Stop)]
    [InlineData("""{"type": "function", "function": {"name": "get_weather"}}""", Weather + "," + Stop)]
    [InlineData("""{"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "get_weather"}}]}}""", Weather + "," + Stop)]
    public async Task Chat_CallRequired_ArgumentsFitStreamedAndNot(string choice, string tools)
    {
        HttpClient client = await Client();
        SchemaGrammar weather = SchemaGrammar.Compile(Parameters);
        for (int seed = 0; seed < 6; seed++)
        {
            JsonNode body = Body(choice, tools, seed);
            JsonNode answer = (await client.Post(Path, body))["choices"]![0]!;
            Assert.Equal("tool_calls", (string)answer["finish_reason"]!);
            Assert.Null(answer["message"]!["content"]);
            JsonNode call = answer["message"]!["tool_calls"]!.AsArray().Single()!;
            (string name, string arguments) = ((string)call["function"]!["name"]!, (string)call["function"]!["arguments"]!);
            Assert.True(name == "stop" ? arguments == "{}" : name == "get_weather" && weather.Accepts(arguments), $"{name}: {arguments}");
            Assert.Equal("function", (string)call["type"]!);
            Assert.StartsWith("call_", (string)call["id"]!, StringComparison.Ordinal);
            body["stream"] = true;
            List<JsonNode> chunks = await ResponseFormatTests.Chunks(client, body);
            JsonNode[] parts = [.. chunks.SelectMany(chunk => chunk["choices"]!.AsArray()).SelectMany(one => one!["delta"]!["tool_calls"]?.AsArray() ?? []).Select(part => part!)];
            Assert.All(parts, part => Assert.Equal(0, (int)part["index"]!));
            Assert.Equal((name, arguments), ((string?)parts[0]["function"]!["name"], string.Concat(parts.Select(part => (string)part["function"]!["arguments"]!))));
            Assert.NotNull(parts[0]["id"]);
            Assert.Equal("tool_calls", (string?)chunks.SelectMany(chunk => chunk["choices"]!.AsArray()).Last()!["finish_reason"]);
        }
    }

    [Fact]
    public async Task Chat_ToolsLeftToTheModel_AnswersAndLoopsThroughCallsAndResults()
    {
        HttpClient client = await Client();
        JsonNode body = Body("\"auto\"", Weather, 1);
        JsonNode first = (await client.Post(Path, body))["choices"]![0]!;
        Assert.True(first["message"]!["content"] is not null || first["message"]!["tool_calls"] is not null);
        JsonArray messages = body["messages"]!.AsArray();
        messages.Add(JsonNode.Parse("""{"role": "assistant", "content": null, "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{\"place\": \"Oslo\", \"days\": 1}"}}]}"""));
        messages.Add(JsonNode.Parse("""{"role": "tool", "tool_call_id": "call_1", "content": "rain"}"""));
        body["max_tokens"] = 12;
        body["tool_choice"] = "none";
        JsonNode second = (await client.Post(Path, body))["choices"]![0]!;
        Assert.NotEqual("tool_calls", (string)second["finish_reason"]!);
        Assert.NotNull(second["message"]!["content"]);
    }

    [Theory]
    [InlineData("tool_choice", """{"tool_choice": "required"}""")]
    [InlineData("tool_choice", """{"tools": [""" + Stop + """], "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "other"}}]}}}""")]
    [InlineData("web_search_options", """{"web_search_options": {}}""")]
    [InlineData("tool_choice", """{"tools": [""" + Stop + """], "tool_choice": {"type": "function", "function": {"name": "other"}}}""")]
    [InlineData("tool_choice", $$$"""{"tools": [{{{Stop}}}], "tool_choice": "required", "response_format": {"type": "json_object"}}""")]
    [InlineData("tools", $$$"""{"tools": [{{{Stop}}}, {{{Stop}}}]}""")]
    [InlineData("tools", """{"tools": [{"type": "function", "function": {"name": "a b"}}]}""")]
    [InlineData("tools", """{"tools": [{"type": "function", "function": {"name": "a", "parameters": {"type": "object", "properties": {"x": {"pattern": "(?=a)"}}}}}], "tool_choice": "required"}""")]
    [InlineData("messages", """{"messages": [{"role": "assistant", "content": null}]}""")]
    [InlineData("messages", """{"messages": [{"role": "tool", "content": "rain"}]}""")]
    [InlineData("messages", """{"messages": [{"role": "user", "content": "a", "tool_calls": [{"id": "1", "type": "function", "function": {"name": "a", "arguments": "{}"}}]}]}""")]
    [InlineData("service_tier", """{"service_tier": "priority"}""")]
    [InlineData("modalities", """{"modalities": ["text", "audio"]}""")]
    [InlineData("verbosity", """{"verbosity": "low"}""")]
    public async Task Chat_WhatCannotBe_IsRefusedByName(string field, string asked)
    {
        JsonNode body = JsonNode.Parse(asked)!;
        body["model"] = "talers-2m";
        body["messages"] ??= JsonNode.Parse("""[{"role": "user", "content": "hi"}]""");
        JsonNode error = await (await Client()).PostAsync(Path, new StringContent(body.ToJsonString(), System.Text.Encoding.UTF8, "application/json")).Error(HttpStatusCode.BadRequest);
        Assert.Equal(field, (string?)error["param"]);
    }

    [Fact]
    public async Task Chat_FieldsThatAskForNothing_AreTaken()
    {
        JsonNode body = Body("\"none\"", Weather, 1);
        body["max_tokens"] = 2;
        foreach ((string name, string value) in new[]
        {
            ("store", "false"), ("metadata", "{\"team\": \"a\"}"), ("service_tier", "\"auto\""), ("modalities", "[\"text\"]"), ("verbosity", "\"medium\""), ("safety_identifier", "\"u\""), ("prompt_cache_key", "\"k\""),
            ("parallel_tool_calls", "true"), ("reasoning_effort", "null"), ("audio", "null"), ("prediction", "null"), ("web_search_options", "null"), ("user", "\"u\""), ("logprobs", "false"), ("response_format", "{\"type\": \"text\"}"),
        }) body[name] = JsonNode.Parse(value);
        Assert.NotNull((await (await Client()).Post(Path, body))["choices"]![0]!["message"]!["content"]);
    }

    private static JsonNode Body(string choice, string tools, int seed) => JsonNode.Parse(
        $$$"""{"model": "talers-2m", "messages": [{"role": "user", "content": "How is the weather?"}], "max_tokens": 80, "temperature": 1.5, "seed": {{{seed}}}, "tools": [{{{tools}}}], "tool_choice": {{{choice}}}}""")!;

    private async Task<HttpClient> Client() => service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
}
