using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace FineTuneService.Tests.Completions;

/// <summary>OpenAI's four shapes of a prompt.</summary>
public sealed class PromptTests(TestService service) : IClassFixture<TestService>
{
    [Fact]
    public async Task Complete_SeveralPrompts_AnswersEachAsIfAlone()
    {
        HttpClient client = service.With(await service.NewTenant("prompts"));
        string[] together = await Texts(client, new[] { "Good day", "The red" }, 2), first = await Texts(client, "Good day", 2), second = await Texts(client, "The red", 2);
        Assert.Equal([.. first, .. second], together);
    }

    [Fact]
    public async Task Complete_TokenIds_ArePutToTheModelAsTheyAre()
    {
        HttpClient client = service.With(await service.NewTenant("prompt-ids"));
        string[] one = await Texts(client, new[] { 5, 6, 7 }, 1), several = await Texts(client, new[] { new[] { 5, 6, 7 }, [8] }, 1);
        Assert.Equal((1, 2), (one.Length, several.Length));
        Assert.Equal(one[0], several[0]);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("[\"a\", 1]")]
    [InlineData("[[1], \"a\"]")]
    [InlineData("[1.5]")]
    [InlineData("[-1]")]
    [InlineData("[99999]")]
    [InlineData("[[]]")]
    [InlineData("{}")]
    public async Task Complete_OtherShapeOrToken_Is400(string prompt)
    {
        HttpClient client = service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
        JsonNode error = await client.PostAsJsonAsync("/v1/completions", new { model = TestService.BaseModel, prompt = JsonNode.Parse(prompt) }).Error(HttpStatusCode.BadRequest);
        Assert.Equal("prompt", (string?)error["param"]);
    }

    private static async Task<string[]> Texts(HttpClient client, object prompt, int n)
    {
        JsonNode body = await client.Post("/v1/completions", new { model = TestService.BaseModel, prompt, n, seed = 3, max_tokens = 6 });
        JsonArray choices = body["choices"]!.AsArray();
        Assert.Equal(Enumerable.Range(0, choices.Count), choices.Select(choice => (int)choice!["index"]!));
        return [.. choices.Select(choice => (string)choice!["text"]!)];
    }
}
