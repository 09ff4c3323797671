using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace FineTuneService.Tests;

/// <summary>Every request of http/*.http, in the order in which a reader would send them.</summary>
public sealed partial class HttpFilesTests(TestService service) : IClassFixture<TestService>
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "http");
    private static readonly string[] Order = ["tenants", "files", "uploads", "fine-tuning-jobs", "adapters", "aliases", "completions", "batches", "tokenization", "evaluations", "models", "webhooks", "operators", "health"];

    private readonly Dictionary<string, string> _values = new()
    {
        ["host"] = "http://localhost",
        ["adminKey"] = TestService.AdminKey,
        ["folder"] = Path.Combine(AppContext.BaseDirectory, "BaseModel", TestService.BaseModel),
    };

    private byte[] _adapter = [];

    [Fact]
    public async Task EveryRequest_WithValuesOfTheService_Answers2xx()
    {
        Assert.Equal(Order.Order(), Directory.GetFiles(Folder, "*.http").Select(Path.GetFileNameWithoutExtension).Order());
        using HttpClient client = service.CreateClient();
        var deletions = new Stack<HttpFileRequest>();
        foreach (string name in Order)
        {
            foreach (HttpFileRequest request in HttpFile.Read(Path.Combine(Folder, name + ".http")).Requests)
            {
                // Later files still need what these delete.
                if (request.Method == HttpMethod.Delete && name != "operators") deletions.Push(request);
                else await Send(client, request);
            }
        }
        foreach (HttpFileRequest request in deletions) await Send(client, request);
    }

    [Fact]
    public void EveryVariable_IsDeclaredInItsFile()
    {
        foreach (string path in Directory.GetFiles(Folder, "*.http"))
        {
            IEnumerable<string> used = Variable().Matches(File.ReadAllText(path)).Select(match => match.Groups[1].Value).Distinct();
            Assert.Equal(HttpFile.Read(path).Variables.Keys.Order(), used.Order());
        }
    }

    private async Task Send(HttpClient client, HttpFileRequest request)
    {
        using HttpRequestMessage message = request.Build(Fill, _ => _adapter);
        using HttpResponseMessage answer = await client.SendAsync(message, TestContext.Current.CancellationToken);
        byte[] body = await answer.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
        Assert.True(answer.IsSuccessStatusCode, $"{request.Title}: {(int)answer.StatusCode} {System.Text.Encoding.UTF8.GetString(body)}");
        if (answer.Content.Headers.ContentType?.MediaType == "application/zip") _adapter = body;
        if (answer.Content.Headers.ContentType?.MediaType == "application/json") Keep(request, JsonNode.Parse(body)!);
    }

    /// <summary>What a reader would copy from an answer into the files' variables.</summary>
    private void Keep(HttpFileRequest request, JsonNode body)
    {
        string path = request.Url.Replace("{{host}}", "");
        switch (request.Method.Method, path)
        {
            case ("POST", "/v1/api_keys"): (_values["key"], _values["keyId"]) = ((string)body["key"]!, (string)body["id"]!); break;
            case ("POST", "/v1/files"): _values[(string?)body["purpose"] == "batch" ? "batchFileId" : _values.ContainsKey("fileId") ? "sumsId" : "fileId"] = (string)body["id"]!; break;
            case ("POST", "/v1/uploads"): _values["uploadId"] = (string)body["id"]!; break;
            case ("POST", "/v1/uploads/{{uploadId}}/parts"): _values["partId"] = (string)body["id"]!; break;
            case ("POST", "/v1/batches"): _values["batchId"] = (string)body["id"]!; break;
            case ("POST", "/v1/evaluations"): _values["evaluationId"] = (string)body["id"]!; break;
            case ("POST", "/v1/fine_tuning/jobs"): _values[new[] { "jobId", "longJobId", "restingJobId" }.First(name => !_values.ContainsKey(name))] = (string)body["id"]!; break;
            case ("POST", "/v1/webhook_endpoints"): _values["webhookId"] = (string)body["id"]!; break;
            case ("GET", "/v1/adapters"): (_values["model"], _values["adapterId"]) = ((string)body["data"]![0]!["model"]!, (string)body["data"]![0]!["id"]!); break;
            case ("POST", "/v1/adapters"): _values["adapterId"] = (string)body["id"]!; break;
        }
    }

    private string Fill(string text) => Variable().Replace(text, match => _values[match.Groups[1].Value]);

    [GeneratedRegex(@"\{\{(\w+)\}\}")]
    private static partial Regex Variable();
}
