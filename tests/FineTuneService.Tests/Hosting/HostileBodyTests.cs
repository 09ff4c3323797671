using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace FineTuneService.Tests.Hosting;

/// <summary>Every field of every JSON body in the OpenAPI document, with values of every wrong kind: the answer is never a 500, and
/// never tells of the inside.</summary>
public sealed partial class HostileBodyTests(TestService service) : IClassFixture<TestService>
{
    private static readonly string[] Values =
    [
        "null", "true", "-1", "0", "1e999", "1e30", "9223372036854775808", "0.5", "\"\"", "\"x\"", "\"\\ud800\"", "\"\\u0000\"", "[]", "[null]", "[[[]]]", "[{}]",
        "{}", "{\"a\": null}", "{\"type\": \"\\ud800\"}", "{\"\\ud800\": 1}", "{\"type\": {}}", new string('[', 100) + new string(']', 100),
    ];

    private static readonly string[] Bodies = ["", " ", "null", "[]", "3", "\"x\"", "{", "{\"", "{\"a\": 1,}", "{\"\\ud800\": 1}", "\u0000", "\ufeff{}", "{} {}", new string('{', 100)];

    [Fact]
    public async Task Post_EveryFieldWithEveryWrongKind_IsRefusedInTheClientsWords()
    {
        HttpClient admin = service.Admin, client = service.With(await service.NewTenant("hostile"));
        JsonNode document = await client.Get("/swagger/v1/swagger.json");
        var wrong = new List<string>();
        foreach ((string path, JsonNode? operations) in document["paths"]!.AsObject())
        {
            if (operations!["post"]?["requestBody"]?["content"]?["application/json"] is not { } content) continue;
            HttpClient caller = path is "/v1/tenants" or "/v1/api_keys" or "/v1/models" ? admin : client;
            string example = content["example"]!.ToJsonString();
            IEnumerable<string> bodies = content["example"]!.AsObject().SelectMany(field => Values.Select(value => With(example, field.Key, value)));
            foreach (string body in bodies.Concat(Bodies))
            {
                using HttpResponseMessage answer = await caller.PostAsync(path.Replace("{id}", "none"), new StringContent(body, Encoding.UTF8, "application/json"));
                string text = await answer.Content.ReadAsStringAsync();
                if (answer.StatusCode >= HttpStatusCode.InternalServerError || (!answer.IsSuccessStatusCode && Inside().IsMatch((string)JsonNode.Parse(text)!["error"]!["message"]!)))
                    wrong.Add($"{path} {body[..Math.Min(body.Length, 200)]}: {(int)answer.StatusCode} {text[..Math.Min(text.Length, 300)]}");
            }
        }
        Assert.Empty(wrong);
    }

    [Fact]
    public async Task Post_AnyTextWithBytesThatAreNoText_IsRefusedInTheClientsWords()
    {
        HttpClient admin = service.Admin, client = service.With(await service.NewTenant("no-text"));
        JsonNode document = await client.Get("/swagger/v1/swagger.json");
        List<(string Path, string Body)> bodies = [.. document["paths"]!.AsObject().Where(path => path.Value!["post"]?["requestBody"]?["content"]?["application/json"] is not null)
            .Select(path => (path.Key.Replace("{id}", "none"), path.Value!["post"]!["requestBody"]!["content"]!["application/json"]!["example"]!.ToJsonString()))];
        bodies.Add(("/v1/chat/completions", """{"model": "BASE", "messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]}], "max_tokens": 1, "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object", "properties": {"a": {"enum": ["b"], "description": "c"}}, "required": ["a"]}}}, "metadata": {"a": "b"}}""".Replace("BASE", TestService.BaseModel)));
        bodies.Add(("/v1/chat/completions", """{"model": "BASE", "messages": [{"role": "user", "content": "a"}], "max_tokens": 1, "tools": [{"type": "function", "function": {"name": "a", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}}], "web_search_options": {"user_location": {"type": "approximate"}}}""".Replace("BASE", TestService.BaseModel)));
        var wrong = new List<string>();
        foreach ((string path, string body) in bodies)
        {
            foreach (int at in Text().Matches(body).Select(text => text.Index + 1))
            {
                byte[] bytes = [.. Encoding.UTF8.GetBytes(body[..at]), 0xa0, .. Encoding.UTF8.GetBytes(body[at..])];
                using HttpResponseMessage answer = await (path is "/v1/tenants" or "/v1/api_keys" or "/v1/models" ? admin : client).PostAsync(path, new ByteArrayContent(bytes) { Headers = { { "Content-Type", "application/json" } } });
                string text = await answer.Content.ReadAsStringAsync();
                if (answer.StatusCode is < HttpStatusCode.BadRequest or >= HttpStatusCode.InternalServerError || Inside().IsMatch((string)JsonNode.Parse(text)!["error"]!["message"]!))
                    wrong.Add($"{path} {body.Insert(at, "<A0>")}: {(int)answer.StatusCode} {text[..Math.Min(text.Length, 300)]}");
            }
        }
        Assert.Empty(wrong);
    }

    [Theory]
    [InlineData("utf-8", HttpStatusCode.OK)]
    [InlineData("\ud800", HttpStatusCode.OK)] // A header that cannot be read says nothing.
    [InlineData("utf-7", HttpStatusCode.BadRequest)]
    [InlineData("utf-16", HttpStatusCode.BadRequest)]
    [InlineData("nope", HttpStatusCode.BadRequest)]
    public async Task Upload_PartWithAnotherCharset_IsRefused(string charset, HttpStatusCode status)
    {
        HttpClient client = service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
        string body = $"--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\nContent-Type: text/plain; charset={charset}\r\n\r\nfine-tune\r\n" +
            $"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\nContent-Type: text/plain; charset={charset}\r\n\r\nx\r\n--b--\r\n";
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        content.Headers.TryAddWithoutValidation("Content-Type", "multipart/form-data; boundary=b");
        using HttpResponseMessage answer = await client.PostAsync("/v1/files", content);
        Assert.Equal(status, answer.StatusCode);
    }

    [Theory, InlineData(16, HttpStatusCode.OK), InlineData(17, HttpStatusCode.BadRequest), InlineData(400, HttpStatusCode.BadRequest)]
    public async Task ListJobs_ManyMetadataFilters_AreTakenUpToAJobsOwn(int count, HttpStatusCode status)
    {
        HttpClient client = service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
        using HttpResponseMessage answer = await client.GetAsync("/v1/fine_tuning/jobs?" + string.Join('&', Enumerable.Range(0, count).Select(i => $"metadata[k{i}]=v")));
        Assert.Equal(status, answer.StatusCode);
    }

    /// <summary>The example with one field's value replaced, as text: JSON that no JSON library would write.</summary>
    private static string With(string example, string field, string value)
    {
        JsonObject body = JsonNode.Parse(example)!.AsObject();
        body[field] = "@";
        return body.ToJsonString().Replace("\"@\"", value);
    }

    [GeneratedRegex("\"[^\"]*\"")]
    private static partial Regex Text();

    [GeneratedRegex(@"System\.|Microsoft\.|FineTuneService\.|Exception|Int32|Int64|Nullable|nullability|`1|\bType '|Utf8Json| at line \d+ in ")]
    private static partial Regex Inside();
}
