using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using FineTuneService.Tests.Batches;
using FineTuneService.Tests.FineTuningJobs;
using FineTuneService.Webhooks;

namespace FineTuneService.Tests.Webhooks;

public sealed class WebhookTests(WebhookTests.Allowing fixture) : IClassFixture<WebhookTests.Allowing>
{
    private const string Endpoints = "/v1/webhook_endpoints";

    /// <summary>A service that may send to this machine.</summary>
    public sealed class Allowing : IDisposable
    {
        public TestService Service { get; } = new() { Options = new Dictionary<string, string> { ["AllowPrivateWebhooks"] = "true" } };

        public void Dispose() => Service.Dispose();
    }

    [Fact]
    public async Task JobEnd_ReceiverFailsAtFirst_IsSentAgainUnderOneIdAndSigned()
    {
        HttpClient client = fixture.Service.With(await fixture.Service.NewTenant("hooked"));
        using var receiver = new WebhookReceiver(failures: 2);
        JsonNode made = await client.Post(Endpoints, new { url = receiver.Url, events = new[] { "fine_tuning.job.succeeded" } });
        string id = (string)made["id"]!, secret = (string)made["secret"]!;
        Assert.Null((await client.Get($"{Endpoints}/{id}"))["secret"]);
        string file = await client.Upload(JobCalls.Rows(8));
        string job = await client.Train(file, new { max_steps = 1 });
        await client.Ended(job);
        JsonNode delivery = await Delivered(client, id);
        Assert.Equal(("fine_tuning.job.succeeded", 204, 3), ((string)delivery["type"]!, (int)delivery["response_status"]!, (int)delivery["attempts"]!));

        ReceivedWebhook[] received = [.. receiver.Received];
        Assert.Equal(3, received.Length);
        Assert.Single(received.Select(one => (one.Id, one.Body)).Distinct());
        Assert.Equal((string?)delivery["event"], received[0].Id);
        Assert.Equal((job, received[0].Id), ((string)JsonNode.Parse(received[0].Body)!["data"]!["id"]!, (string)JsonNode.Parse(received[0].Body)!["id"]!));
        Assert.All(received, one => Assert.Equal(Sign(secret, one), one.Signature));
    }

    [Fact]
    public async Task BatchEnd_EachOfItsKinds_IsSent()
    {
        HttpClient client = fixture.Service.With(await fixture.Service.NewTenant("hook-batch"));
        using var receiver = new WebhookReceiver(failures: 0);
        await client.Post(Endpoints, new { url = receiver.Url, events = new[] { "batch.completed", "batch.failed", "batch.cancelled" } });
        JsonNode completed = await client.BatchEnded(await client.Batch(BatchCalls.Line("1", TestService.BaseModel))), failed = await client.BatchEnded(await client.Batch("{broken\n"));
        JsonNode cancelled = await client.Batch(string.Concat(Enumerable.Range(0, 300).Select(i => BatchCalls.Line($"{i}", TestService.BaseModel, tokens: 60))));
        await client.Post($"/v1/batches/{cancelled["id"]}/cancel", new { });
        await client.BatchEnded(cancelled);
        while (receiver.Received.Count < 3) await Task.Delay(20, TestContext.Current.CancellationToken);
        Assert.Equal([("batch.completed", (string)completed["id"]!), ("batch.failed", (string)failed["id"]!), ("batch.cancelled", (string)cancelled["id"]!)],
            receiver.Received.Select(one => JsonNode.Parse(one.Body)!).Select(body => ((string)body["type"]!, (string)body["data"]!["id"]!)));
    }

    [Fact]
    public async Task JobEnd_OfAnotherTenantOrType_IsNotSent()
    {
        HttpClient one = fixture.Service.With(await fixture.Service.NewTenant("hook-one")), other = fixture.Service.With(await fixture.Service.NewTenant("hook-other"));
        using var receiver = new WebhookReceiver(failures: 0);
        string id = (string)(await one.Post(Endpoints, new { url = receiver.Url, events = new[] { "fine_tuning.job.failed" } }))["id"]!;
        await other.Ended(await other.Train(await other.Upload("{broken\n"), new { max_steps = 1 }));
        await one.Ended(await one.Train(await one.Upload(JobCalls.Rows(8)), new { max_steps = 1 }));
        Assert.Empty((await one.Get($"{Endpoints}/{id}/deliveries"))["data"]!.AsArray());
        string failed = await one.Train(await one.Upload("{broken\n"), new { max_steps = 1 });
        await one.Ended(failed);
        await Delivered(one, id);
        Assert.Contains(failed, receiver.Received.Single().Body);
        await other.GetAsync($"{Endpoints}/{id}").Error(HttpStatusCode.NotFound);
        Assert.True((await one.DeleteAsync($"{Endpoints}/{id}", TestContext.Current.CancellationToken)).IsSuccessStatusCode);
        await one.GetAsync($"{Endpoints}/{id}/deliveries").Error(HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData("ftp://example.com/")]
    [InlineData("https://user:word@example.com/")]
    [InlineData("/relative")]
    public async Task Create_UrlThatIsNone_Is400(string url)
    {
        HttpClient client = fixture.Service.With(await fixture.Service.NewTenant($"hook-{Guid.NewGuid():n}"));
        Assert.Equal("url", (string?)(await client.PostAsJsonAsync(Endpoints, new { url }, TestContext.Current.CancellationToken).Error(HttpStatusCode.BadRequest))["param"]);
    }

    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("10.2.3.4", true)]
    [InlineData("172.31.0.1", true)]
    [InlineData("192.168.1.1", true)]
    [InlineData("169.254.169.254", true)]
    [InlineData("100.64.0.1", true)]
    [InlineData("0.0.0.0", true)]
    [InlineData("::1", true)]
    [InlineData("::ffff:10.0.0.1", true)]
    [InlineData("64:ff9b::a00:1", true)]
    [InlineData("fd00::1", true)]
    [InlineData("fe80::1", true)]
    [InlineData("8.8.8.8", false)]
    [InlineData("172.32.0.1", false)]
    [InlineData("2606:4700::1111", false)]
    public void PrivateAddresses_Addresses_AreToldApart(string address, bool isPrivate) => Assert.Equal(isPrivate, PrivateAddresses.Contains(IPAddress.Parse(address)));

    [Fact]
    public async Task Send_NameThatStandsForAPrivateAddress_IsRefusedAtTheConnection()
    {
        using var receiver = new WebhookReceiver(failures: 0);
        using HttpClient strict = WebhookHttp.Client(allowPrivate: false);
        var failure = await Assert.ThrowsAsync<HttpRequestException>(() => strict.GetAsync(receiver.Url.Replace("127.0.0.1", "localhost"), TestContext.Current.CancellationToken));
        Assert.Contains("private address", (failure.InnerException ?? failure).Message);
        Assert.Empty(receiver.Received);
    }

    private static string Sign(string secret, ReceivedWebhook received) =>
        "v1," + Convert.ToBase64String(HMACSHA256.HashData(Convert.FromBase64String(secret["whsec_".Length..]), Encoding.UTF8.GetBytes($"{received.Id}.{received.Timestamp}.{received.Body}")));

    private static async Task<JsonNode> Delivered(HttpClient client, string endpoint)
    {
        while (true)
        {
            JsonArray deliveries = (await client.Get($"{Endpoints}/{endpoint}/deliveries"))["data"]!.AsArray();
            if (deliveries.Count == 1 && (string?)deliveries[0]!["status"] == "delivered") return deliveries[0]!;
            await Task.Delay(50);
        }
    }
}
