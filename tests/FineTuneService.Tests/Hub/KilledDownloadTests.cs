using System.Text.Json.Nodes;

namespace FineTuneService.Tests.Hub;

/// <summary>A service that is killed while a base comes.</summary>
[Waits]
public sealed class KilledDownloadTests
{
    [Fact]
    public async Task Download_ServiceKilled_TheNextStartGoesOnWithWhatHasArrived()
    {
        await using var hub = new LocalHub();
        LocalRepo repo = hub.Repos["acme/killed"] = new LocalRepo { Files = HubCalls.BaseFiles(), Token = "hf_of_the_tests", Delay = TimeSpan.FromMilliseconds(40) };
        using var data = new DataFolder();
        using (var first = new ServiceProcess(data, ("FineTune__Hub__Endpoint", hub.Endpoint)))
        {
            using HttpClient admin = await first.Client(TestService.AdminKey);
            await admin.Post("/v1/models", new { source = "hub", repo = "acme/killed", token = repo.Token });
            while ((long)(await admin.Get("/v1/models/killed"))["bytes_done"]! < 500_000) await Task.Delay(10, TestContext.Current.CancellationToken);
            await first.Kill();
        }
        repo.Delay = default;
        int before = hub.Calls.Count;
        using var second = new ServiceProcess(data, ("FineTune__Hub__Endpoint", hub.Endpoint));
        using HttpClient client = await second.Client(TestService.AdminKey);
        JsonNode come = await client.Come("killed");
        Assert.True((string?)come["status"] == "ready", come.ToJsonString());
        HubCall resumed = hub.Calls.Skip(before).Single(call => !call.IsHub);
        Assert.True(long.Parse(resumed.Range!["bytes=".Length..].TrimEnd('-'), System.Globalization.CultureInfo.InvariantCulture) > 300_000, resumed.Range);
        Assert.Single(hub.Calls, call => call is { IsHub: true, Method: "GET" } && call.Path.EndsWith("/tokenizer.json", StringComparison.Ordinal));
    }
}
