using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace FineTuneService.Tests.Tokenization;

/// <summary>What the model reads: tokens and prompts are those that answers are made of.</summary>
public sealed class TokenizationTests(TestService service) : IClassFixture<TestService>
{
    private static readonly object[] Greeting = [new { role = "user", content = "Repeat: red stone" }];

    [Fact]
    public async Task Tokenize_PromptOrMessages_CountsAsAnswersDo()
    {
        HttpClient client = await Client();
        JsonNode chat = await client.Post("/v1/tokenize", new { model = TestService.BaseModel, messages = Greeting });
        JsonNode answer = await client.Post("/v1/chat/completions", new { model = TestService.BaseModel, messages = Greeting, max_tokens = 1 });
        Assert.Equal((int)answer["usage"]!["prompt_tokens"]!, (int)chat["count"]!);
        JsonNode text = await client.Post("/v1/tokenize", new { model = TestService.BaseModel, prompt = "Repeat: red stone" });
        JsonNode completion = await client.Post("/v1/completions", new { model = TestService.BaseModel, prompt = "Repeat: red stone", max_tokens = 1 });
        Assert.Equal((int)completion["usage"]!["prompt_tokens"]!, (int)text["count"]!);
        Assert.Equal((int)text["count"]!, text["tokens"]!.AsArray().Count);
        Assert.Equal((int)text["count"]!, text["token_strs"]!.AsArray().Count);
        Assert.True((int)text["max_model_len"]! > (int)chat["count"]!);
    }

    [Theory, InlineData("Repeat: red stone"), InlineData("ünïcode \U0001F600 and\nlines"), InlineData(" ")]
    public async Task Detokenize_TokensOfAText_GivesItBack(string prompt)
    {
        HttpClient client = await Client();
        JsonNode tokens = await client.Post("/v1/tokenize", new { model = TestService.BaseModel, prompt, add_special_tokens = false });
        JsonNode text = await client.Post("/v1/detokenize", new { model = TestService.BaseModel, tokens = tokens["tokens"] });
        Assert.Equal(prompt, (string)text["prompt"]!);
    }

    [Fact]
    public async Task Template_OfMessages_IsTheTextOfTheirTokens()
    {
        HttpClient client = await Client();
        string prompt = (string)(await client.Post("/v1/chat/template", new { model = TestService.BaseModel, messages = Greeting }))["prompt"]!;
        JsonNode tokens = await client.Post("/v1/tokenize", new { model = TestService.BaseModel, messages = Greeting });
        Assert.Equal(prompt, (string)(await client.Post("/v1/detokenize", new { model = TestService.BaseModel, tokens = tokens["tokens"] }))["prompt"]!);
        string without = (string)(await client.Post("/v1/chat/template", new { model = TestService.BaseModel, messages = Greeting, add_generation_prompt = false }))["prompt"]!;
        Assert.StartsWith(without, prompt);
        Assert.NotEqual(without, prompt);
    }

    [Theory]
    [InlineData("/v1/tokenize", """{"model": "talers-2m"}""", "prompt")]
    [InlineData("/v1/tokenize", """{"model": "talers-2m", "prompt": "a", "messages": []}""", "messages")]
    [InlineData("/v1/tokenize", """{"model": "talers-2m", "prompt": "a", "add_generation_prompt": true}""", "add_generation_prompt")]
    [InlineData("/v1/tokenize", """{"model": "talers-2m", "messages": [{"role": "king", "content": "a"}]}""", "messages")]
    [InlineData("/v1/detokenize", """{"model": "talers-2m", "tokens": [1, 99999999]}""", "tokens")]
    [InlineData("/v1/detokenize", """{"model": "talers-2m", "tokens": [-1]}""", "tokens")]
    [InlineData("/v1/chat/template", """{"model": "talers-2m", "messages": [{"role": "user", "content": "a"}], "tools": [{"type": "custom", "function": {"name": "a"}}]}""", "tools")]
    public async Task Ask_WhatCannotBe_IsRefusedByName(string path, string body, string param)
    {
        JsonNode error = await (await Client()).PostAsync(path, JsonContent.Create(JsonNode.Parse(body)), TestContext.Current.CancellationToken).Error(HttpStatusCode.BadRequest);
        Assert.Equal(param, (string?)error["param"]);
    }

    private async Task<HttpClient> Client() => service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
}
