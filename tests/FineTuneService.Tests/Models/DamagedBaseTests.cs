using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using FineTuneService.Tests.Adapters;

namespace FineTuneService.Tests.Models;

/// <summary>A base whose files were changed after it was registered: whatever is begun with it says what is damaged.</summary>
public sealed class DamagedBaseTests(TestService service) : IClassFixture<TestService>
{
    private const string Row = "{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}, {\"role\": \"assistant\", \"content\": \"Hello\"}]}\n";

    [Theory]
    [InlineData("config.json", "{}")]
    [InlineData("config.json", "no JSON")]
    [InlineData("model.safetensors", "short")]
    [InlineData("model.safetensors", null)]
    [InlineData("config.json", null)]
    public async Task Calls_BaseDamagedOnDisk_Are503AndNameTheFile(string name, string? content)
    {
        using var folder = new BaseFolder();
        string id = $"base-{Guid.NewGuid():n}";
        await service.Admin.Post("/v1/models", new { id, folder = folder.Path });
        HttpClient client = service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
        string file = await client.Upload(string.Concat(Enumerable.Repeat(Row, 12)));
        HttpResponseMessage uploaded = await client.PostAsync("/v1/adapters", AdapterFiles.Form(AdapterFiles.Zip(), id));
        JsonNode adapter = JsonNode.Parse(await uploaded.Content.ReadAsStringAsync())!;
        Assert.Equal(HttpStatusCode.OK, uploaded.StatusCode);
        if (content is null) File.Delete(folder.In(name));
        else File.WriteAllText(folder.In(name), content);

        var job = new { model = id, training_file = file };
        await Damaged(client.PostAsJsonAsync("/v1/fine_tuning/jobs", job), name);
        await Damaged(client.PostAsJsonAsync("/v1/fine_tuning/jobs/estimate", job), name);
        await Damaged(client.PostAsync("/v1/adapters", AdapterFiles.Form(AdapterFiles.Zip(), id)), name);
        // These may still have what was read before.
        foreach (Task<HttpResponseMessage> call in new[]
        {
            client.PostAsJsonAsync($"/v1/adapters/{adapter["id"]}/merge", new { }),
            client.PostAsJsonAsync("/v1/chat/completions", new { model = id, max_tokens = 2, messages = new[] { new { role = "user", content = "Hi" } } }),
        })
        {
            HttpResponseMessage answer = await call;
            Assert.True(answer.StatusCode is HttpStatusCode.OK or HttpStatusCode.ServiceUnavailable, await answer.Content.ReadAsStringAsync());
        }
        Assert.Contains(id, await client.GetStringAsync("/v1/models"));
    }

    [Theory]
    [InlineData("tokenizer.json")]
    [InlineData("tokenizer_config.json")]
    public async Task Estimate_TokenizerDamagedOnDisk_Is503AndNamesTheFile(string name)
    {
        using var folder = new BaseFolder();
        string id = $"base-{Guid.NewGuid():n}";
        await service.Admin.Post("/v1/models", new { id, folder = folder.Path });
        HttpClient client = service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
        string file = await client.Upload(string.Concat(Enumerable.Repeat(Row, 12)));
        foreach (string content in new[] { "", "[]", "{\"model\": 5, \"eos_token\": 5}" })
        {
            File.WriteAllText(folder.In(name), content);
            await Damaged(client.PostAsJsonAsync("/v1/fine_tuning/jobs/estimate", new { model = id, training_file = file }), name);
        }
    }

    private static async Task Damaged(Task<HttpResponseMessage> call, string name)
    {
        string message = (string)(await call.Error(HttpStatusCode.ServiceUnavailable))["message"]!;
        Assert.Contains(name, message);
        Assert.DoesNotContain("System.", message);
    }
}
