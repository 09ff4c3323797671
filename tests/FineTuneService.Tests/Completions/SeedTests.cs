using System.Text.Json.Nodes;

namespace FineTuneService.Tests.Completions;

/// <summary>Every answer draws from a random stream of its own.</summary>
public sealed class SeedTests(TestService service) : IClassFixture<TestService>
{
    /// <summary>A text that the base may go on from in many ways.</summary>
    private const string Open = "The red stone and the";

    /// <summary>The base's eos_token_id.</summary>
    private const string End = "1";

    [Theory, InlineData(null), InlineData(1L), InlineData(-1L)]
    public async Task Complete_FourEqualPrompts_GiveFourDifferentTexts(long? seed)
    {
        HttpClient client = service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
        string[] texts = await Texts(client, Enumerable.Repeat(Open, 4), 1, seed);
        Assert.Equal(4, texts.Distinct().Count());
    }

    [Fact]
    public async Task Complete_ChoicesOfNeighbouringSeeds_ShareNothing()
    {
        HttpClient client = service.With(await service.NewTenant("neighbours"));
        var all = new List<string>();
        for (long seed = 1; seed <= 4; seed++) all.AddRange(await Texts(client, [Open], 4, seed));
        Assert.Equal(16, all.Distinct().Count());
    }

    [Fact]
    public async Task Complete_TheSameSeedAgain_GivesTheSameTexts()
    {
        HttpClient client = service.With(await service.NewTenant("again"));
        Assert.Equal(await Texts(client, [Open, Open, "A"], 2, 7), await Texts(client, [Open, Open, "A"], 2, 7));
    }

    private static async Task<string[]> Texts(HttpClient client, IEnumerable<string> prompts, int n, long? seed)
    {
        // Texts that end at once would be equal by chance, so they may not end.
        var logit_bias = new Dictionary<string, int> { [End] = -100 };
        var request = new { model = TestService.BaseModel, prompt = prompts, n, seed, max_tokens = 24, temperature = 2, logit_bias };
        JsonNode body = await client.Post("/v1/completions", request);
        return [.. body["choices"]!.AsArray().Select(choice => (string)choice!["text"]!)];
    }
}
