using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using FineTuneService.Tests.Contract;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;

namespace FineTuneService.Tests;

/// <summary>The service in this process, on a data directory of its own; one for a test class.</summary>
public sealed class TestService : WebApplicationFactory<Program>
{
    public const string AdminKey = "admin-key-of-the-tests";
    public const string BaseModel = "talers-2m";

    /// <summary>Options that differ from the defaults, by their names without the section.</summary>
    public IReadOnlyDictionary<string, string> Options { get; init; } = new Dictionary<string, string>();

    /// <summary>Null: the machine's.</summary>
    public TimeProvider? Clock { get; init; }

    public string Data { get; init; } = Directory.CreateTempSubdirectory("finetune-test-").FullName;

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        builder.UseSetting("FineTune:DataDirectory", Data).UseSetting("FineTune:AdminKey", AdminKey).UseSetting("Logging:LogLevel:Default", "Warning");
        // No test asks the real hub: nobody listens there.
        builder.UseSetting("FineTune:Hub:Endpoint", "http://127.0.0.1:9");
        if (Clock is not null) builder.ConfigureTestServices(services => services.AddSingleton(Clock));
        foreach ((string name, string value) in Options) builder.UseSetting($"FineTune:{name}", value);
    }

    /// <summary>A client whose every answer is held to OpenAI's description.</summary>
    public new HttpClient CreateClient() => CreateDefaultClient(new ContractHandler());

    public HttpClient With(string key)
    {
        HttpClient client = CreateClient();
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return client;
    }

    public HttpClient Admin => With(AdminKey);

    /// <summary>A new tenant's key.</summary>
    public async Task<string> NewTenant(string id)
    {
        await Admin.Post("/v1/tenants", new { id });
        return (string)(await Admin.Post("/v1/api_keys", new { tenant = id }))["key"]!;
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing && Directory.Exists(Data)) Directory.Delete(Data, recursive: true);
    }
}

internal static class Calls
{
    /// <summary>The body of a 2xx answer.</summary>
    public static async Task<JsonNode> Post(this HttpClient client, string path, object body) => await Body(await client.PostAsJsonAsync(path, body));

    public static async Task<JsonNode> Get(this HttpClient client, string path) => await Body(await client.GetAsync(path));

    public static async Task<string> GetStringWith(this HttpClient client, string path, string accept)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { { "Accept", accept } } };
        return await (await client.SendAsync(request)).Content.ReadAsStringAsync();
    }

    /// <returns>The file's id.</returns>
    public static async Task<string> Upload(this HttpClient client, string content, string purpose = "fine-tune")
    {
        using var form = new MultipartFormDataContent { { new StringContent(purpose), "purpose" }, { new ByteArrayContent(Encoding.UTF8.GetBytes(content)), "file", "rows.jsonl" } };
        return (string)(await Body(await client.PostAsync("/v1/files", form)))["id"]!;
    }

    /// <summary>The error object of an answer that must have this status.</summary>
    public static async Task<JsonNode> Error(this Task<HttpResponseMessage> call, HttpStatusCode status)
    {
        HttpResponseMessage answer = await call;
        string text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == status, $"{answer.RequestMessage!.RequestUri}: {(int)answer.StatusCode} {text}");
        Assert.StartsWith("req_", answer.Headers.GetValues("x-request-id").Single());
        JsonNode error = JsonNode.Parse(text)!["error"]!;
        Assert.NotEmpty((string)error["message"]!);
        Assert.True(error.AsObject().ContainsKey("param") && error.AsObject().ContainsKey("code") && error.AsObject().ContainsKey("type"));
        return error;
    }

    /// <summary>The job, once it has ended.</summary>
    public static async Task<JsonNode> Ended(this HttpClient client, string job)
    {
        while (true)
        {
            JsonNode body = await client.Get($"/v1/fine_tuning/jobs/{job}");
            if ((string?)body["status"] is "succeeded" or "failed" or "cancelled") return body;
            await Task.Delay(50);
        }
    }

    private static async Task<JsonNode> Body(HttpResponseMessage answer)
    {
        string text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, $"{answer.RequestMessage!.RequestUri}: {(int)answer.StatusCode} {text}");
        return JsonNode.Parse(text)!;
    }
}
