using System.Net;
using System.Text.Json.Nodes;
using FineTuneService.Completions;

namespace FineTuneService.Tests.Completions;

/// <summary>Custom tools: their calls carry a text, which fits the tool's regex where a call is required.</summary>
public sealed class CustomToolTests(TestService service) : IClassFixture<TestService>
{
    private const string Chat = "/v1/chat/completions";
    private const string Query = """{"type": "custom", "custom": {"name": "query", "description": "Runs a query", "format": {"type": "grammar", "grammar": {"syntax": "regex", "definition": "(get|set) [a-z]{1,8}|\"é\""}}}}""";
    private const string Free = """{"type": "custom", "custom": {"name": "note", "format": {"type": "text"}}}""";
    private const string Stop = """{"type": "function", "function": {"name": "stop"}}""";

    [Theory]
    [InlineData("\"required\"", Query)]
    [InlineData("\"required\"", Query + "," + Stop)]
    [InlineData("""{"type": "custom", "custom": {"name": "query"}}""", Free + "," + Query)]
    [InlineData("""{"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [{"type": "custom", "custom": {"name": "query"}}]}}""", Free + "," + Query + "," + Stop)]
    public async Task Chat_CallRequired_InputFitsStreamedAndNot(string choice, string tools)
    {
        HttpClient client = await Client();
        for (int seed = 0; seed < 4; seed++)
        {
            JsonNode body = Body(choice, tools, seed);
            JsonNode answer = (await client.Post(Chat, body))["choices"]![0]!;
            Assert.Equal("tool_calls", (string)answer["finish_reason"]!);
            JsonNode call = answer["message"]!["tool_calls"]!.AsArray().Single()!;
            if ((string)call["type"]! == "function") continue;
            Assert.Equal("custom", (string)call["type"]!);
            Assert.Null(call["function"]);
            (string name, string input) = ((string)call["custom"]!["name"]!, (string)call["custom"]!["input"]!);
            Assert.Equal("query", name);
            Assert.Matches("^((get|set) [a-z]{1,8}|\"é\")$", input);
            body["stream"] = true;
            JsonNode[] parts = [.. (await ResponseFormatTests.Chunks(client, body)).SelectMany(chunk => chunk["choices"]!.AsArray()).SelectMany(one => one!["delta"]!["tool_calls"]?.AsArray() ?? []).Select(part => part!)];
            Assert.Equal(("custom", name), ((string)parts[0]["type"]!, (string)parts[0]["custom"]!["name"]!));
            Assert.Equal(input, string.Concat(parts.Select(part => (string)part["custom"]!["input"]!)));
        }
    }

    [Fact]
    public async Task Chat_CallsAndResultsOfACustomTool_ArePartOfAConversation()
    {
        JsonNode body = Body("\"none\"", Free, 1);
        body["messages"]!.AsArray().Add(JsonNode.Parse("""{"role": "assistant", "content": null, "tool_calls": [{"id": "call_1", "type": "custom", "custom": {"name": "note", "input": "say \"hi\""}}]}"""));
        body["messages"]!.AsArray().Add(JsonNode.Parse("""{"role": "tool", "tool_call_id": "call_1", "content": "noted"}"""));
        Assert.NotNull((await (await Client()).Post(Chat, body))["choices"]![0]!["message"]!["content"]);
    }

    [Theory]
    [InlineData("tools", """[{"type": "custom", "custom": {"name": "a", "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: \"a\""}}}}]""", "\"auto\"")]
    [InlineData("tools", """[{"type": "custom", "custom": {"name": "a", "format": {"type": "grammar"}}}]""", "\"auto\"")]
    [InlineData("tools", """[{"type": "custom", "custom": {"name": "a", "format": {"type": "grammar", "grammar": {"syntax": "regex", "definition": "(?=a)"}}}}]""", "\"required\"")]
    [InlineData("tools", """[{"type": "custom", "function": {"name": "a"}}]""", "\"auto\"")]
    [InlineData("tools", "[" + Free + "," + Free + "]", "\"auto\"")]
    [InlineData("tool_choice", "[" + Free + "]", """{"type": "function", "function": {"name": "note"}}""")]
    [InlineData("tool_choice", "[" + Stop + "]", """{"type": "custom", "custom": {"name": "stop"}}""")]
    public async Task Chat_WhatCannotBe_IsRefusedByName(string field, string tools, string choice)
    {
        JsonNode body = Body(choice, "", 1);
        body["tools"] = JsonNode.Parse(tools);
        JsonNode error = await (await Client()).PostAsync(Chat, new StringContent(body.ToJsonString(), System.Text.Encoding.UTF8, "application/json")).Error(HttpStatusCode.BadRequest);
        Assert.Equal(field, (string?)error["param"]);
    }

    [Theory]
    [InlineData("""{"input": "a \"b\" \\ \/ \n\t\u00e9 é 🦊 \ud83e\udd8a end"}""")]
    [InlineData("""{"input":""}""")]
    public void InputText_CutAnywhere_IsTheText(string arguments)
    {
        string expected = (string)JsonNode.Parse(arguments)!["input"]!;
        for (int cut = 0; cut <= arguments.Length; cut++)
        {
            var input = new InputText();
            string[] parts = [input.Add(arguments[..cut]), input.Add(arguments[cut..]), input.End()];
            Assert.Equal(expected, string.Concat(parts));
            Assert.All(parts, part => Assert.False(part.Length > 0 && char.IsHighSurrogate(part[^1])));
        }
        var slowly = new InputText();
        Assert.Equal(expected, string.Concat(arguments.Select(letter => slowly.Add(letter.ToString()))));
    }

    [Fact]
    public void InputText_OfOtherArguments_IsThemAsTheyAre()
    {
        var input = new InputText();
        Assert.Equal("", input.Add("""{"query": 1}"""));
        Assert.Equal("""{"query": 1}""", input.End());
    }

    private static JsonNode Body(string choice, string tools, int seed) => JsonNode.Parse(
        $$$"""{"model": "talers-2m", "messages": [{"role": "user", "content": "Ask it."}], "max_tokens": 60, "temperature": 1.5, "seed": {{{seed}}}, "tools": [{{{tools}}}], "tool_choice": {{{choice}}}}""")!;

    private async Task<HttpClient> Client() => service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
}
