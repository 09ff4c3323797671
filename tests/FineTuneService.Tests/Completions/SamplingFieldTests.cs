using System.Net;
using System.Text.Json.Nodes;

namespace FineTuneService.Tests.Completions;

/// <summary>Penalties, bias and the other fields of sampling: what they change, and what is refused.</summary>
public sealed class SamplingFieldTests(TestService service) : IClassFixture<TestService>
{
    private const string Path = "/v1/completions";

    [Fact]
    public async Task Complete_BiasOfAHundred_DrawsThatTokenOnly()
    {
        HttpClient client = await Client();
        string free = await Text(client, new { model = "talers-2m", prompt = "The kettle", max_tokens = 4, temperature = 0 });
        string biased = await Text(client, new { model = "talers-2m", prompt = "The kettle", max_tokens = 4, temperature = 0, logit_bias = new Dictionary<string, int> { ["70"] = 100 } });
        Assert.NotEqual(free, biased);
        Assert.Equal(1, Enumerable.Range(1, biased.Length).Where(size => biased.Length % size == 0 && biased.Length / size == 4)
            .Count(size => string.Concat(Enumerable.Repeat(biased[..size], 4)) == biased)); // One token's text, four times.
    }

    [Fact]
    public async Task Complete_FrequencyPenaltyBesideBias_LeavesTheRepeatedToken()
    {
        HttpClient client = await Client();
        var bias = new Dictionary<string, int> { ["70"] = 20 };
        string without = await Text(client, new { model = "talers-2m", prompt = "The kettle", max_tokens = 24, temperature = 0, logit_bias = bias });
        string with = await Text(client, new { model = "talers-2m", prompt = "The kettle", max_tokens = 24, temperature = 0, logit_bias = bias, frequency_penalty = 2 });
        Assert.NotEqual(without, with);
    }

    [Fact]
    public async Task Complete_MinPOfOneOrTopPOfZero_IsGreedy()
    {
        HttpClient client = await Client();
        string greedy = await Text(client, new { model = "talers-2m", prompt = "The kettle", max_tokens = 12, temperature = 0 });
        Assert.Equal(greedy, await Text(client, new { model = "talers-2m", prompt = "The kettle", max_tokens = 12, temperature = 1, min_p = 1 }));
        Assert.Equal(greedy, await Text(client, new { model = "talers-2m", prompt = "The kettle", max_tokens = 12, temperature = 1, top_p = 0 }));
    }

    [Fact]
    public async Task Complete_TopKOfMinusOne_IsAllTokens()
    {
        HttpClient client = await Client();
        string free = await Text(client, new { model = "talers-2m", prompt = "The kettle", max_tokens = 12, seed = 3 });
        Assert.Equal(free, await Text(client, new { model = "talers-2m", prompt = "The kettle", max_tokens = 12, seed = 3, top_k = -1 }));
    }

    [Fact]
    public async Task Complete_MaxTokensOfZero_IsAnEmptyAnswer()
    {
        JsonNode answer = await (await Client()).Post(Path, new { model = "talers-2m", prompt = "The kettle", max_tokens = 0 });
        Assert.Equal(("", "length", 0), ((string?)answer["choices"]![0]!["text"], (string?)answer["choices"]![0]!["finish_reason"], (int)answer["usage"]!["completion_tokens"]!));
    }

    [Fact]
    public async Task Chat_StreamAskedForUsage_HasItInTheLastChunkAndNullBefore()
    {
        HttpResponseMessage answer = await (await Client()).PostAsync("/v1/chat/completions", new StringContent(
            """{"model": "talers-2m", "max_tokens": 3, "stream": true, "stream_options": {"include_usage": true}, "messages": [{"role": "user", "content": "a"}]}""", System.Text.Encoding.UTF8, "application/json"));
        string[] lines = (await answer.Content.ReadAsStringAsync()).Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        JsonObject[] chunks = [.. lines[..^1].Select(line => JsonNode.Parse(line["data: ".Length..])!.AsObject())];
        Assert.All(chunks[..^1], chunk => Assert.True(chunk.ContainsKey("usage") && chunk["usage"] is null));
        Assert.NotNull(chunks[^1]["usage"]);
    }

    [Fact]
    public async Task Complete_ManyAnswers_AreAllThereInOrder()
    {
        JsonNode answer = await (await Client()).Post(Path, new { model = "talers-2m", prompt = "The kettle", max_tokens = 1, n = 40, seed = 1 });
        Assert.Equal(Enumerable.Range(0, 40), answer["choices"]!.AsArray().Select(choice => (int)choice!["index"]!));
        Assert.True(answer["choices"]!.AsArray().Select(choice => (string)choice!["text"]!).Distinct().Count() > 1);
    }

    [Theory]
    [InlineData("n", "0")]
    [InlineData("top_p", "-0.1")]
    [InlineData("top_k", "-2")]
    [InlineData("n", "129")]
    [InlineData("frequency_penalty", "2.5")]
    [InlineData("presence_penalty", "-3")]
    [InlineData("repetition_penalty", "0")]
    [InlineData("min_p", "1.5")]
    [InlineData("typical_p", "0")]
    [InlineData("logit_bias", "{\"a\": 1}")]
    [InlineData("logit_bias", "{\"5\": 101}")]
    [InlineData("logit_bias", "{\"999999\": 1}")]
    [InlineData("logit_bias", "{\"-1\": 1}")]
    public async Task Complete_ValueOutOfRange_IsRefusedByItsName(string field, string value)
    {
        string body = $"{{\"model\": \"talers-2m\", \"prompt\": \"a\", \"max_tokens\": 1, \"{field}\": {value}}}";
        JsonNode error = await (await Client()).PostAsync(Path, new StringContent(body, System.Text.Encoding.UTF8, "application/json")).Error(HttpStatusCode.BadRequest);
        Assert.Equal(("invalid_value", field), ((string?)error["code"], (string?)error["param"]));
    }

    private static async Task<string> Text(HttpClient client, object body) => (string)(await client.Post(Path, body))["choices"]![0]!["text"]!;

    private async Task<HttpClient> Client() => service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
}
