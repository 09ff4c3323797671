using System.Net.Http.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace FineTuneService.Tests.Contract;

/// <summary>
/// Every field of OpenAI's requests, put to the service: what docs/openai.md calls served is taken, what it calls refused gets an error that names it,
/// and of what it calls neutral the values that ask for nothing are taken. Nothing is ignored.
/// </summary>
public sealed partial class RequestCoverageTests(TestService service) : IClassFixture<TestService>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("POST /chat/completions", "CreateChatCompletionRequest")]
    [InlineData("POST /completions", "CreateCompletionRequest")]
    [InlineData("POST /fine_tuning/jobs", "CreateFineTuningJobRequest")]
    [InlineData("POST /batches", "CreateBatchRequest")]
    [InlineData("POST /uploads", "CreateUploadRequest")]
    public async Task Requests_EveryFieldOfOpenAIs_IsServedOrRefusedByNameAsTheDocumentSays(string call, string schema)
    {
        OpenAIDescription openAI = OpenAIDescription.Instance ?? throw Xunit.Sdk.SkipException.ForSkip("the reference folder is absent");
        HttpClient client = service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
        Dictionary<string, string> document = Document(call);
        (JsonObject complete, Dictionary<string, JsonNode> known) = await Complete(client, call);
        WalkedField[] fields = [.. new RequestWalk(openAI, complete, known, Beside).Fields(openAI.Named(schema))];
        var taken = new Dictionary<string, bool>();
        foreach (WalkedField field in fields)
        {
            HttpResponseMessage answer = await client.PostAsync("/v1/" + call.Split('/', 2)[1], JsonContent.Create(field.Body), Cancel);
            string text = await answer.Content.ReadAsStringAsync(Cancel);
            taken[field.Path] = taken.GetValueOrDefault(field.Path) | answer.IsSuccessStatusCode;
            if (answer.IsSuccessStatusCode) continue;
            JsonNode error = JsonNode.Parse(text)!["error"]!;
            string? param = (string?)error["param"];
            Assert.True((int)answer.StatusCode is 400 or 404 && param is not null && error["code"] is not null && (param.Split('.', '[')[0] == field.Top || Related(field.Top, param)),
                $"{field.Path} is refused as {(int)answer.StatusCode} {text} for {field.Body.ToJsonString()}");
        }
        string[] undocumented = [.. taken.Keys.Where(path => Class(document, path) is null)];
        Assert.True(undocumented.Length == 0, $"docs/openai.md does not say what becomes of these fields of {call}: {string.Join(", ", undocumented)}");
        string[] wrong = [.. taken.Where(field => Class(document, field.Key) is { } said && said != "neutral" && (said == "served") != field.Value).Select(field => $"{field.Key} is {(field.Value ? "taken" : "refused")}")];
        Assert.True(wrong.Length == 0, $"docs/openai.md is wrong of {call}: {string.Join(", ", wrong)}");
        Assert.All(document.Keys, path => Assert.Contains(path, taken.Keys));
        int Count(string what) => taken.Keys.Count(path => Class(document, path) == what);
        string summary = $"{call}: {taken.Count} fields: {Count("served")} served, {Count("neutral")} neutral, {Count("refused")} refused by name";
        TestContext.Current.TestOutputHelper!.WriteLine(summary);
        Assert.Contains(summary, DocumentText());
        foreach (JsonNode? job in (await client.Get("/v1/fine_tuning/jobs?limit=100"))["data"]!.AsArray()) await client.PostAsync($"/v1/fine_tuning/jobs/{job!["id"]}/cancel", null, Cancel);
    }

    [Theory]
    [InlineData("POST /chat/completions", "CreateChatCompletionRequest")]
    [InlineData("POST /completions", "CreateCompletionRequest")]
    [InlineData("POST /fine_tuning/jobs", "CreateFineTuningJobRequest")]
    public async Task Requests_EveryNullThatOpenAITakes_IsTaken(string call, string schema)
    {
        OpenAIDescription openAI = OpenAIDescription.Instance ?? throw Xunit.Sdk.SkipException.ForSkip("the reference folder is absent");
        HttpClient client = service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
        (JsonObject complete, _) = await Complete(client, call);
        JsonObject all = complete.DeepClone().AsObject();
        foreach (WalkedField field in new RequestWalk(openAI, complete, new Dictionary<string, JsonNode>(), Beside).Fields(openAI.Named(schema)).Where(field => field.Path == field.Top && !complete.ContainsKey(field.Top)))
        {
            JsonObject body = complete.DeepClone().AsObject();
            body[field.Top] = null;
            if (openAI.Problems(openAI.Named(schema), body).Count == 0) all[field.Top] = null;
        }
        Assert.True(all.Count > complete.Count);
        JsonNode made = await client.Post("/v1/" + call.Split('/', 2)[1], all);
        if (call.EndsWith("jobs", StringComparison.Ordinal)) await client.PostAsync($"/v1/fine_tuning/jobs/{made["id"]}/cancel", null, Cancel);
    }

    [Fact]
    public async Task Calls_OfOpenAIsThatAreNotHere_Answer404()
    {
        OpenAIDescription openAI = OpenAIDescription.Instance ?? throw Xunit.Sdk.SkipException.ForSkip("the reference folder is absent");
        HttpClient client = service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
        HashSet<string> here = [.. (await client.Get("/swagger/v1/swagger.json"))["paths"]!.AsObject().SelectMany(path => path.Value!.AsObject().Select(method => Shape($"{method.Key.ToUpperInvariant()} {path.Key}")))];
        string[] lacking = [.. openAI.Calls.Select(call => Shape(call.Replace(" /", " /v1/"))).Where(call => !here.Contains(call))];
        Assert.NotEmpty(lacking);
        foreach (string call in lacking)
        {
            using var request = new HttpRequestMessage(new HttpMethod(call.Split(' ')[0]), call.Split(' ')[1].Replace("{}", "none"));
            if (request.Method == HttpMethod.Post) request.Content = JsonContent.Create(new { });
            Assert.Equal("unknown_url", (string?)(await client.SendAsync(request, Cancel).Error(System.Net.HttpStatusCode.NotFound))["code"]);
        }

        static string Shape(string call) => Places().Replace(call, "{}");
    }

    private static readonly Dictionary<string, string> Beside = new()
    {
        ["max_completion_tokens"] = """{"max_tokens": null}""",
        ["stream_options"] = """{"stream": true}""",
        ["tool_choice"] = """{"tools": [{"type": "function", "function": {"name": "text"}}, {"type": "custom", "custom": {"name": "note"}}]}""",
        ["tool_choice.custom"] = """{"type": "custom"}""",
        ["response_format.json_schema.name"] = """{"schema": {"type": "boolean"}}""",
        ["response_format.json_schema.description"] = """{"schema": {"type": "boolean"}}""",
        ["response_format.json_schema.strict"] = """{"schema": {"type": "boolean"}}""",
        ["method.dpo"] = """{"type": "dpo"}""",
        ["method.reinforcement"] = """{"type": "reinforcement"}""",
    };

    /// <summary>Fields that are wrong together: either may be named.</summary>
    private static bool Related(string field, string param) => (field, param) is
        ("tool_choice", "tools") or ("parallel_tool_calls", "tools") or ("top_logprobs", "logprobs") or ("stream_options", "stream") or ("max_completion_tokens", "max_tokens")
        or ("hyperparameters", "method") or ("method", "dpo") or ("best_of", "n") or ("tools", "tool_choice");

    private static async Task<(JsonObject, Dictionary<string, JsonNode>)> Complete(HttpClient client, string call)
    {
        JsonNode Text(string text) => JsonValue.Create(text);
        switch (call)
        {
            case "POST /chat/completions":
                return (JsonNode.Parse("""{"model": "talers-2m", "max_tokens": 1, "messages": [{"role": "user", "content": "a"}]}""")!.AsObject(), new()
                {
                    ["model"] = Text(TestService.BaseModel),
                    ["max_tokens"] = 1,
                    ["top_logprobs"] = 0,
                    ["seed"] = 1,
                    ["tool_choice.allowed_tools.tools"] = JsonNode.Parse("""[{"type": "function", "function": {"name": "text"}}]""")!,
                    ["logit_bias"] = JsonNode.Parse("""{"5": 1}""")!,
                    ["tool_choice.custom.name"] = Text("note"),
                    ["tools[].custom.format.grammar.syntax"] = Text("regex"),
                    ["tools[].function.parameters"] = JsonNode.Parse("""{"type": "object"}""")!,
                    ["response_format.json_schema.schema"] = JsonNode.Parse("""{"type": "boolean"}""")!,
                    ["response_format.json_schema"] = JsonNode.Parse("""{"name": "a", "schema": {"type": "boolean"}}""")!,
                    ["stream_options"] = JsonNode.Parse("{}")!,
                    ["temperature"] = 1,
                    ["top_p"] = 1,
                    ["verbosity"] = Text("medium"),
                });
            case "POST /completions":
                return (JsonNode.Parse("""{"model": "talers-2m", "max_tokens": 1, "prompt": "a"}""")!.AsObject(), new()
                {
                    ["model"] = Text(TestService.BaseModel),
                    ["max_tokens"] = 1,
                    ["seed"] = 1,
                    ["temperature"] = 1,
                    ["top_p"] = 1,
                    ["best_of"] = 1,
                    ["logit_bias"] = JsonNode.Parse("""{"5": 1}""")!,
                });
            case "POST /fine_tuning/jobs":
                string file = await client.Upload(FineTuningJobs.JobCalls.Rows(12));
                return (new JsonObject { ["model"] = TestService.BaseModel, ["training_file"] = file }, new() { ["model"] = Text(TestService.BaseModel), ["training_file"] = Text(file), ["validation_file"] = Text(file) });
            case "POST /batches":
                string requests = await client.Upload("{}", "batch");
                return (new JsonObject { ["input_file_id"] = requests, ["endpoint"] = "/v1/completions", ["completion_window"] = "24h" }, new() { ["input_file_id"] = Text(requests), ["endpoint"] = Text("/v1/completions") });
            default:
                return (JsonNode.Parse("""{"filename": "a", "purpose": "batch", "bytes": 1, "mime_type": "text/plain"}""")!.AsObject(), new() { ["bytes"] = 1, ["purpose"] = Text("batch") });
        }
    }

    private static string? Class(Dictionary<string, string> document, string path)
    {
        for (string at = path; at.Length > 0; at = at.LastIndexOfAny(['.', '[']) is > 0 and var end ? at[..end] : "")
            if (document.TryGetValue(at, out string? said)) return said;
        return null;
    }

    private static string DocumentText() => File.ReadAllText(Path.Combine(Engine.Tests.Shared.Repository, "docs", "openai.md"));

    /// <summary>The document's table of a call: the rows behind its heading, as field and class.</summary>
    private static Dictionary<string, string> Document(string call)
    {
        string section = DocumentText().Split("\n## ").Single(part => part.StartsWith(call + "\n", StringComparison.Ordinal));
        return Row().Matches(section).SelectMany(row => row.Groups[1].Value.Split(", ").Select(field => (Field: field.Trim('`'), Said: row.Groups[2].Value))).ToDictionary(row => row.Field, row => row.Said);
    }

    [GeneratedRegex(@"^\| ((?:`[^`|]+`(?:, )?)+) \| (served|neutral|refused) \|", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"\{\w+\}")]
    private static partial Regex Places();
}
