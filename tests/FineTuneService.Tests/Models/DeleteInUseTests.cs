using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using FineTuneService.Tests.Adapters;

namespace FineTuneService.Tests.Models;

/// <summary>What others use is not taken from under them: a job's base is 409, and answers are drained.</summary>
public sealed class DeleteInUseTests(TestService service) : IClassFixture<TestService>
{
    private const string Row = "{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}, {\"role\": \"assistant\", \"content\": \"Hello\"}]}\n";

    [Fact]
    public async Task Delete_BaseOfARunningJob_Is409NamingTheJob()
    {
        using var folder = new BaseFolder();
        await service.Admin.Post("/v1/models", new { id = "job-base", folder = folder.Path });
        HttpClient client = service.With(await service.NewTenant("job-base-t"));
        string file = await client.Upload(string.Concat(Enumerable.Repeat(Row, 12)));
        string job = (string)(await client.Post("/v1/fine_tuning/jobs", new { model = "job-base", training_file = file, training = new { max_steps = 20_000 } }))["id"]!;
        JsonNode error = await service.Admin.DeleteAsync("/v1/models/job-base").Error(HttpStatusCode.Conflict);
        Assert.Contains(job, (string)error["message"]!);
        while ((string?)(await client.Get($"/v1/fine_tuning/jobs/{job}"))["status"] is "validating_files" or "queued") await Task.Delay(20, TestContext.Current.CancellationToken);
        Assert.Contains(job, (string)(await service.Admin.DeleteAsync("/v1/models/job-base").Error(HttpStatusCode.Conflict))["message"]!);
        await client.PostAsync($"/v1/fine_tuning/jobs/{job}/cancel", null, TestContext.Current.CancellationToken);
        Assert.Equal("cancelled", (string?)(await client.Ended(job))["status"]);
        Assert.Equal(HttpStatusCode.OK, (await service.Admin.DeleteAsync("/v1/models/job-base")).StatusCode);
    }

    [Fact]
    public async Task Delete_WhatAnswers_LetsTheAnswerEnd()
    {
        using var folder = new BaseFolder();
        await service.Admin.Post("/v1/models", new { id = "busy-base", folder = folder.Path });
        HttpClient client = service.With(await service.NewTenant("busy-t"));
        HttpResponseMessage uploaded = await client.PostAsync("/v1/adapters", AdapterFiles.Form(AdapterFiles.Zip()), TestContext.Current.CancellationToken);
        JsonNode adapter = JsonNode.Parse(await uploaded.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!;
        string merged = (string)(await client.Post($"/v1/adapters/{adapter["id"]}/merge", new { }))["id"]!;
        foreach ((HttpClient who, string model) in new[] { (client, merged), (client, (string)adapter["model"]!), (service.Admin, "busy-base") })
        {
            string whole = await Text(client, model);
            HttpResponseMessage answer = await Begin(client, model);
            HttpResponseMessage[] deleted = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => who.DeleteAsync($"/v1/models/{model}")));
            Assert.Equal([200, 404, 404], deleted.Select(one => (int)one.StatusCode).Order());
            Assert.Equal(whole, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken) is var lines ? Joined(lines) : "");
            await client.PostAsJsonAsync("/v1/completions", new { model, prompt = "a", max_tokens = 1 }).Error(HttpStatusCode.NotFound);
        }
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(service.Data, "merged")));
    }

    private static async Task<string> Text(HttpClient client, string model) => Joined(await (await Begin(client, model)).Content.ReadAsStringAsync());

    private static Task<HttpResponseMessage> Begin(HttpClient client, string model) => client.SendAsync(
        new HttpRequestMessage(HttpMethod.Post, "/v1/completions") { Content = JsonContent.Create(new { model, prompt = "The ", max_tokens = 120, temperature = 0, stream = true }) },
        HttpCompletionOption.ResponseHeadersRead);

    /// <summary>The text of a stream, and how it ended.</summary>
    private static string Joined(string lines)
    {
        IEnumerable<JsonNode> choices = lines.Split('\n').Where(line => line.StartsWith("data: {", StringComparison.Ordinal)).Select(line => JsonNode.Parse(line[6..])!["choices"]![0]!);
        return string.Concat(choices.Select(choice => (string?)choice["text"] + (string?)choice["finish_reason"]));
    }
}
