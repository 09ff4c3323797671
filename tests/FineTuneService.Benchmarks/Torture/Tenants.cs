using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using FineTuneService.Benchmarks.Soak;

namespace FineTuneService.Benchmarks.Torture;

/// <summary>The tenants, each with its recipe's file; and what the service gives to those whom nobody disturbs.</summary>
internal sealed class Tenants
{
    private const string Question = "What costs a kettle?";

    private readonly List<(string Key, Recipe Recipe, string File)> _all = [];
    private readonly Dictionary<Recipe, string> _weights = [];

    public int Count => _all.Count;

    /// <summary>The base's answer, which is always the same.</summary>
    public string Answer { get; private set; } = "";

    public (string Key, Recipe Recipe, string File) this[int tenant] => _all[tenant % _all.Count];

    /// <summary>SHA-256 of the recipe's adapter as an undisturbed run makes it.</summary>
    public string Weights(Recipe recipe) => _weights[recipe];

    public static object Chat { get; } = new { model = Recipe.Base, max_tokens = 60, temperature = 0, messages = new[] { new { role = "user", content = Question } } };

    public static string? Said(JsonNode? answer) => (string?)answer?["choices"]?[0]?["message"]?["content"];

    public async Task Prepare(ServiceUnderTest service)
    {
        using var admin = new HttpClient { BaseAddress = service.Address, DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", service.AdminKey) } };
        foreach ((Recipe recipe, string name) in Recipe.All.Zip(["acme", "globex", "initech"]))
        {
            (await admin.PostAsJsonAsync("/v1/tenants", new { id = name })).EnsureSuccessStatusCode();
            JsonNode key = (await (await admin.PostAsJsonAsync("/v1/api_keys", new { tenant = name })).Content.ReadFromJsonAsync<JsonNode>())!;
            using var client = new TortureClient(service.Address, (string)key["key"]!);
            string file = (string)Answered(await client.Upload(new ByteArrayContent(recipe.File), "rows.jsonl"))["id"]!;
            string job = (string)Answered(await client.Post("/v1/fine_tuning/jobs", recipe.Job(file)))["id"]!;
            JsonNode ended = Answered(await Recipe.Ended(client, job));
            _weights[recipe] = await Recipe.Weights(client, (string?)ended["fine_tuned_model"] ?? throw new InvalidOperationException(ended.ToJsonString())) ?? throw new InvalidOperationException("no weights");
            Answer = Said(Answered(await client.Post("/v1/chat/completions", Chat)))!;
            _all.Add(((string)key["key"]!, recipe, file));
        }
    }

    private static JsonNode Answered(JsonNode? answer) => answer ?? throw new InvalidOperationException("the service refused the first of its kind; its log may say why");
}
