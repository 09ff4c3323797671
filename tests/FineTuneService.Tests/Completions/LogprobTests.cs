using System.Net;
using System.Text.Json.Nodes;

namespace FineTuneService.Tests.Completions;

/// <summary>logprobs and top_logprobs of chat, logprobs and echo of completions.</summary>
public sealed class LogprobTests(TestService service) : IClassFixture<TestService>
{
    [Fact]
    public async Task Chat_Logprobs_AreOneATokenStreamedAndNot()
    {
        HttpClient client = await Client();
        var body = JsonNode.Parse("""{"model": "talers-2m", "messages": [{"role": "user", "content": "Repeat: red stone"}], "max_tokens": 8, "temperature": 0, "logprobs": true, "top_logprobs": 3}""")!;
        JsonNode answer = await client.Post("/v1/chat/completions", body);
        JsonNode choice = answer["choices"]![0]!;
        JsonArray content = choice["logprobs"]!["content"]!.AsArray();
        Assert.Null(choice["logprobs"]!["refusal"]);
        Assert.Equal((string)choice["message"]!["content"]!, string.Concat(content.Select(token => (string)token!["token"]!)).Trim());
        foreach (JsonNode? token in content)
        {
            Assert.InRange((double)token!["logprob"]!, -50, 0);
            Assert.Equal(3, token["top_logprobs"]!.AsArray().Count);
            Assert.Equal((double)token["logprob"]!, (double)token["top_logprobs"]![0]!["logprob"]!, 1e-6); // Greedy: it was the likeliest.
            Assert.Equal((string)token["token"]!, System.Text.Encoding.UTF8.GetString([.. token["bytes"]!.AsArray().Select(value => (byte)(int)value!)]));
        }
        body["stream"] = true;
        JsonNode[] streamed = [.. (await ResponseFormatTests.Chunks(client, body)).SelectMany(chunk => chunk["choices"]!.AsArray()).Where(one => one!["logprobs"] is not null).SelectMany(one => one!["logprobs"]!["content"]!.AsArray()).Select(token => token!)];
        Assert.Equal(content.Select(token => token!.ToJsonString()), streamed.Select(token => token.ToJsonString()));
    }

    [Fact]
    public async Task Complete_EchoWithoutNewTokens_ScoresThePromptAsTheModelWouldWriteIt()
    {
        HttpClient client = await Client();
        JsonNode free = await client.Post("/v1/completions", new { model = "talers-2m", prompt = "The kettle", max_tokens = 6, temperature = 0, logprobs = 2 });
        JsonNode drawn = free["choices"]![0]!;
        string whole = "The kettle" + (string)drawn["text"]!;
        JsonNode scored = (await client.Post("/v1/completions", new { model = "talers-2m", prompt = whole, max_tokens = 0, echo = true, logprobs = 2 }))["choices"]![0]!;
        Assert.Equal((whole, "length"), ((string)scored["text"]!, (string)scored["finish_reason"]!));
        JsonNode logprobs = scored["logprobs"]!;
        Assert.Null(logprobs["token_logprobs"]![0]);
        Assert.Null(logprobs["top_logprobs"]![0]);
        int count = logprobs["tokens"]!.AsArray().Count;
        Assert.All((string[])["token_logprobs", "top_logprobs", "text_offset"], name => Assert.Equal(count, logprobs[name]!.AsArray().Count));
        Assert.Equal((string)drawn["logprobs"]!["tokens"]![0]!, (string)logprobs["tokens"]!.AsArray().First(token => (int)logprobs["text_offset"]![logprobs["tokens"]!.AsArray().IndexOf(token)]! == "The kettle".Length)!);
        int first = logprobs["text_offset"]!.AsArray().Select(offset => (int)offset!).ToList().IndexOf("The kettle".Length);
        Assert.Equal((double)drawn["logprobs"]!["token_logprobs"]![0]!, (double)logprobs["token_logprobs"]![first]!, 1e-2);
        Assert.Equal("The kettle".Length, (int)drawn["logprobs"]!["text_offset"]![0]!);
    }

    [Fact]
    public async Task Complete_Echo_AnswersPromptAndAnswer()
    {
        HttpClient client = await Client();
        string free = (string)(await client.Post("/v1/completions", new { model = "talers-2m", prompt = "The kettle", max_tokens = 6, temperature = 0 }))["choices"]![0]!["text"]!;
        string echoed = (string)(await client.Post("/v1/completions", new { model = "talers-2m", prompt = "The kettle", max_tokens = 6, temperature = 0, echo = true }))["choices"]![0]!["text"]!;
        Assert.Equal("The kettle" + free, echoed);
    }

    [Theory]
    [InlineData("/v1/chat/completions", "top_logprobs", "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}], \"top_logprobs\": 3}")]
    [InlineData("/v1/chat/completions", "top_logprobs", "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}], \"logprobs\": true, \"top_logprobs\": 21}")]
    [InlineData("/v1/completions", "logprobs", "{\"prompt\": \"a\", \"logprobs\": 6}")]
    [InlineData("/v1/completions", "max_tokens", "{\"prompt\": \"a\", \"max_tokens\": -1}")]
    [InlineData("/v1/completions", "best_of", "{\"prompt\": \"a\", \"best_of\": 3}")]
    public async Task Ask_ValueOutOfRange_IsRefusedByItsName(string path, string field, string body)
    {
        JsonNode asked = JsonNode.Parse(body)!;
        asked["model"] = "talers-2m";
        JsonNode error = await (await Client()).PostAsync(path, new StringContent(asked.ToJsonString(), System.Text.Encoding.UTF8, "application/json")).Error(HttpStatusCode.BadRequest);
        Assert.Equal(("invalid_value", field), ((string?)error["code"], (string?)error["param"]));
    }

    private async Task<HttpClient> Client() => service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
}
