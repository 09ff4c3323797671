using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using FineTuneService.Tests.Batches;
using FineTuneService.Tests.FineTuningJobs;

namespace FineTuneService.Tests.Tenants;

/// <summary>Every endpoint of the OpenAPI document, asked for another tenant's objects: they do not exist. An endpoint that is new is asked too.</summary>
public sealed class IsolationTests(TestService service) : IClassFixture<TestService>
{
    private static readonly string[] ForAdmins = ["/v1/tenants", "/v1/api_keys", "/v1/queue", "/v1/device", "/v1/drain"];

    /// <summary>Fields of bodies that name an object, and what of.</summary>
    private static readonly Dictionary<string, string> Naming = new()
    {
        ["model"] = "models",
        ["models"] = "models",
        ["target"] = "models",
        ["init_from"] = "adapters",
        ["training_file"] = "files",
        ["validation_file"] = "files",
        ["file"] = "files",
        ["input_file_id"] = "batch file",
        ["adapters"] = "adapters",
    };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task EveryEndpoint_WithAnotherTenantsIds_Is404AndItsListHasNoneOfThem()
    {
        string owner = $"t{Guid.NewGuid():n}";
        HttpClient other = service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
        Dictionary<string, string[]> owned = await Everything(service.With(await service.NewTenant(owner)));
        var wrong = new List<string>();
        int asked = 0;
        foreach ((string path, string method, JsonNode operation) in await Operations())
        {
            string kind = path.Contains("/{id}") ? path[..path.IndexOf("/{id}", StringComparison.Ordinal)].Split('/')[^1] : "";
            foreach (string url in kind.Length == 0 ? [path] : owned.TryGetValue(kind, out string[]? ids) ? ids.Select(id => path.Replace("{id}", id)) : throw new InvalidOperationException($"{path}: an id of a kind that this test does not make."))
            {
                foreach (string? body in Bodies(method, kind, operation, owned))
                {
                    asked++;
                    using var request = new HttpRequestMessage(new HttpMethod(method.ToUpperInvariant()), url) { Content = Content(body, operation) };
                    using HttpResponseMessage answer = await other.SendAsync(request, Cancel);
                    string text = await answer.Content.ReadAsStringAsync(Cancel);
                    bool isList = kind.Length == 0 && method == "get";
                    bool right = isList ? answer.IsSuccessStatusCode && !text.Contains(owner) && !owned.Values.SelectMany(all => all).Any(text.Contains) : answer.StatusCode == HttpStatusCode.NotFound || (answer.StatusCode == HttpStatusCode.Forbidden && text.Contains("admin_key_required"));
                    if (!right) wrong.Add($"{method} {url} {body}: {(int)answer.StatusCode} {text[..Math.Min(text.Length, 200)]}");
                }
            }
        }
        Assert.Empty(wrong);
        Assert.True(asked > 80, $"{asked}");
    }

    [Fact]
    public async Task EveryOperatorsEndpoint_WithATenantsKey_Is403()
    {
        HttpClient tenant = service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
        JsonNode document = await tenant.Get("/swagger/v1/swagger.json");
        foreach ((string path, JsonNode? operations) in document["paths"]!.AsObject().Where(entry => ForAdmins.Any(entry.Key.StartsWith)))
        {
            foreach ((string method, _) in operations!.AsObject())
            {
                using var request = new HttpRequestMessage(new HttpMethod(method.ToUpperInvariant()), path.Replace("{id}", "x"));
                Assert.Equal("admin_key_required", (string?)(await tenant.SendAsync(request, Cancel).Error(HttpStatusCode.Forbidden))["code"]);
            }
        }
    }

    /// <summary>Those of tenants that name something: lists, and what has an id in its path or body.</summary>
    private async Task<List<(string Path, string Method, JsonNode Operation)>> Operations()
    {
        var found = new List<(string, string, JsonNode)>();
        foreach ((string path, JsonNode? operations) in (await service.CreateClient().Get("/swagger/v1/swagger.json"))["paths"]!.AsObject())
        {
            if (!path.StartsWith("/v1/", StringComparison.Ordinal) || ForAdmins.Any(path.StartsWith)) continue;
            found.AddRange(operations!.AsObject().Where(one => path != "/v1/models" || one.Key == "get").Select(one => (path, one.Key, one.Value!)));
        }
        return found;
    }

    /// <summary>The document's example, or one for each of its fields that names an object, with the owner's there.</summary>
    private static IEnumerable<string?> Bodies(string method, string kind, JsonNode operation, Dictionary<string, string[]> owned)
    {
        JsonObject? example = operation["requestBody"]?["content"]?["application/json"]?["example"]?.AsObject();
        if (kind.Length > 0 || method == "get") return [example?.ToJsonString()];
        if (example is null) return [];
        return example.Where(field => Naming.ContainsKey(field.Key) && (field.Key != "model" || !example.ContainsKey("training_file"))).Select(field =>
        {
            JsonObject body = example.DeepClone().AsObject();
            string id = owned[Naming[field.Key]][0];
            // A job needs a base that is there, for its file to be looked for.
            if (body.ContainsKey("training_file")) body["model"] = TestService.BaseModel;
            body.Remove("validation_file");
            body.Remove("dataset");
            if (body[field.Key] is JsonArray { Count: > 0 } list && list[0] is JsonObject named) named["id"] = id;
            else body[field.Key] = body[field.Key] is JsonArray ? new JsonArray(id) : id;
            return body.ToJsonString();
        });
    }

    private static HttpContent? Content(string? body, JsonNode operation) => body is not null ? new StringContent(body, Encoding.UTF8, "application/json")
        : operation["requestBody"]?["content"]?["multipart/form-data"] is not null ? new MultipartFormDataContent { { new ByteArrayContent([1]), "data", "a" } } : null;

    /// <summary>One object of each kind, by the place of its id in paths.</summary>
    private static async Task<Dictionary<string, string[]>> Everything(HttpClient client)
    {
        string file = await client.Upload(JobCalls.Rows(10));
        JsonNode job = await client.Ended(await client.Train(file, new { max_steps = 1 }));
        JsonNode adapter = (await client.Get("/v1/adapters"))["data"]![0]!, alias = await client.Post("/v1/aliases", new { name = "alias-of-the-owner", target = (string)adapter["id"]! });
        string checkpoint = (string)(await client.Get($"/v1/fine_tuning/jobs/{job["id"]}/checkpoints"))["data"]![0]!["fine_tuned_model_checkpoint"]!;
        JsonNode merged = await client.Post($"/v1/adapters/{adapter["id"]}/merge", new { });
        JsonNode batch = await client.BatchEnded(await client.Batch(BatchCalls.Line("1", TestService.BaseModel, tokens: 1)));
        JsonNode upload = await client.Post("/v1/uploads", new { filename = "a", purpose = "batch", bytes = 1, mime_type = "text/plain" });
        JsonNode evaluation = await client.Post("/v1/evaluations", new { models = new[] { TestService.BaseModel }, generate = new { prompts = new[] { "a" }, max_tokens = 1 } });
        JsonNode hook = await client.Post("/v1/webhook_endpoints", new { url = "https://example.com/", events = new[] { "batch.completed" } });
        return new Dictionary<string, string[]>
        {
            ["files"] = [file, (string)job["result_files"]![0]!, (string)batch["output_file_id"]!],
            ["batch file"] = [(string)batch["input_file_id"]!],
            ["jobs"] = [(string)job["id"]!],
            ["adapters"] = [(string)adapter["id"]!],
            ["models"] = [(string)adapter["model"]!, checkpoint, (string)merged["id"]!, (string)alias["name"]!],
            ["aliases"] = [(string)alias["name"]!, (string)alias["id"]!],
            ["batches"] = [(string)batch["id"]!],
            ["uploads"] = [(string)upload["id"]!],
            ["evaluations"] = [(string)evaluation["id"]!],
            ["webhook_endpoints"] = [(string)hook["id"]!],
        };
    }
}
