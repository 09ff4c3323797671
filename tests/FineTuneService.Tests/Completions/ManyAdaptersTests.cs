using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace FineTuneService.Tests.Completions;

/// <summary>More adapters asked at once than may be loaded, or than there is memory for.</summary>
public sealed class ManyAdaptersTests
{
    [Theory]
    [InlineData(70, 7, "64")]
    [InlineData(24, 3, "5")]
    public async Task Chat_MoreAdaptersAtOnceThanPlaces_AllAnswerAsAlone(int adapters, int tenants, string places)
    {
        await using var service = new TestService { Options = new Dictionary<string, string> { ["MaxResidentAdapters"] = places } };
        HttpClient[] clients = await Task.WhenAll(Enumerable.Range(0, tenants).Select(async i => service.With(await service.NewTenant($"many-{i}"))));
        var models = new List<(HttpClient Client, string Model)>();
        for (int i = 0; i < adapters; i++) models.Add((clients[i % tenants], (string)(await clients[i % tenants].UploadAdapter(i))["model"]!));
        string[] together = await Task.WhenAll(models.Select(model => model.Client.Chat(model.Model, maxTokens: 12)));
        for (int i = 0; i < adapters; i += 7) Assert.Equal(await models[i].Client.Chat(models[i].Model, maxTokens: 12), together[i]);
        Assert.True(together.Distinct().Count() > 1, "the adapters change nothing");
    }

    [Fact]
    public async Task Chat_OnePlaceAndTwelveClients_AllAnswer()
    {
        await using var service = new TestService { Options = new Dictionary<string, string> { ["MaxResidentAdapters"] = "1" } };
        HttpClient client = service.With(await service.NewTenant("one-place"));
        string[] models = new string[12];
        for (int i = 0; i < models.Length; i++) models[i] = (string)(await client.UploadAdapter(i))["model"]!;
        for (int round = 0; round < 3; round++)
        {
            string[][] answers = await Task.WhenAll(models.Select((model, i) => client.Streamed(model, maxTokens: 20 + i)));
            Assert.All(answers, events => Assert.Equal("[DONE]", events[^1]));
        }
    }

    [Fact]
    public async Task Chat_MemoryForTheBaseAndLittleElse_AnswersOrSaysThatItIsFull()
    {
        // The base in fp32 takes 7 MiB, its room for one sequence half a MiB, each of these adapters 30 KB.
        await using var service = new TestService { Options = new Dictionary<string, string> { ["DeviceMemory"] = $"{9 << 20}" } };
        HttpClient client = service.With(await service.NewTenant("small"));
        string[] models = new string[6];
        for (int i = 0; i < models.Length; i++) models[i] = (string)(await client.UploadAdapter(i))["model"]!;
        string[][] answers = await Task.WhenAll(Enumerable.Range(0, 48).Select(i => client.Streamed(models[i % 6], maxTokens: 60)));
        Assert.All(answers, events => Assert.Equal("[DONE]", events[^1]));
    }

    [Fact]
    public async Task Chat_BaseThatNeverFits_Is503ThatNamesTheOption()
    {
        await using var service = new TestService { Options = new Dictionary<string, string> { ["DeviceMemory"] = $"{1 << 20}" } };
        HttpClient client = service.With(await service.NewTenant("none"));
        JsonNode error = await client.PostAsJsonAsync("/v1/chat/completions", MadeAdapter.Question(TestService.BaseModel, 4, "hello", 0), TestContext.Current.CancellationToken)
            .Error(HttpStatusCode.ServiceUnavailable);
        Assert.Contains("FineTune:DeviceMemory", (string?)error["message"]);
    }
}
