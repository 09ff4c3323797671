using System.Net;
using System.Text.Json.Nodes;
using FineTuneService.Adapters;
using FineTuneService.Device;
using Microsoft.Extensions.DependencyInjection;

namespace FineTuneService.Tests.Adapters;

/// <summary>Where adapters are, when they were last used, and which stay.</summary>
public sealed class AdapterPinTests(AdapterPinTests.Few fixture) : IClassFixture<AdapterPinTests.Few>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private TestService Service => fixture.Service;

    /// <summary>A service with places for four adapters, two of which may be pinned, one by each tenant.</summary>
    public sealed class Few : IDisposable
    {
        public TestService Service { get; } = new() { Options = new Dictionary<string, string> { ["MaxResidentAdapters"] = "4", ["MaxPinnedAdapters"] = "1" } };

        public void Dispose() => Service.Dispose();
    }

    [Fact]
    public async Task Pin_OthersAreAsked_StaysLoadedAndIsLoadedAgainAtAStart()
    {
        HttpClient client = await Client();
        JsonNode[] adapters = [.. await Task.WhenAll(Enumerable.Range(50, 6).Select(seed => client.UploadAdapter(seed)))];
        JsonNode first = adapters[0];
        Assert.Contains((string)first["residency"]!, new[] { "host", "disk" });
        Assert.Null(first["last_used_at"]);
        JsonNode pinned = await client.Post($"/v1/adapters/{first["id"]}/pin", new { });
        Assert.Equal(("device", true), ((string)pinned["residency"]!, (bool)pinned["pinned"]!));
        foreach (JsonNode adapter in adapters[1..]) await client.Chat((string)adapter["model"]!, 1);
        JsonNode now = await client.Get($"/v1/adapters/{first["id"]}"), last = await client.Get($"/v1/adapters/{adapters[5]["id"]}"), evicted = await client.Get($"/v1/adapters/{adapters[1]["id"]}");
        Assert.Equal(("device", "device"), ((string)now["residency"]!, (string)last["residency"]!));
        Assert.NotEqual("device", (string)evicted["residency"]!);
        Assert.Null(now["last_used_at"]); // A pin is no use.
        Assert.InRange((long)evicted["last_used_at"]!, DateTimeOffset.UtcNow.ToUnixTimeSeconds() - 60, (long)last["last_used_at"]!);

        var lease = Service.Services.GetRequiredService<DeviceLease>();
        await lease.Serve("test", () =>
        {
            Service.Services.GetRequiredService<ResidentModels>().Forget((string)first["id"]!);
            return true;
        });
        Assert.NotEqual("device", (string)(await client.Get($"/v1/adapters/{first["id"]}"))["residency"]!);
        await Service.Services.GetRequiredService<PinnedAdapters>().StartAsync(Cancel);
        while ((string)(await client.Get($"/v1/adapters/{first["id"]}"))["residency"]! != "device") await Task.Delay(10, Cancel);
        Assert.False((bool)(await client.Post($"/v1/adapters/{first["id"]}/unpin", new { }))["pinned"]!);
        foreach (JsonNode adapter in adapters[1..]) await client.Chat((string)adapter["model"]!, 1);
        Assert.NotEqual("device", (string)(await client.Get($"/v1/adapters/{first["id"]}"))["residency"]!);
    }

    [Fact]
    public async Task Pin_MoreThanMayBe_IsRefusedAndAnotherTenants404()
    {
        HttpClient client = await Client(), other = await Client();
        JsonNode[] adapters = [.. await Task.WhenAll(Enumerable.Range(60, 2).Select(seed => client.UploadAdapter(seed)))];
        string first = (string)adapters[0]["id"]!, second = (string)adapters[1]["id"]!;
        await client.Post($"/v1/adapters/{first}/pin", new { });
        await client.Post($"/v1/adapters/{first}/pin", new { });
        Assert.Equal("too_many_pinned", (string?)(await client.PostAsync($"/v1/adapters/{second}/pin", null, Cancel).Error(HttpStatusCode.Conflict))["code"]);
        foreach (string wish in new[] { "pin", "unpin" }) await other.PostAsync($"/v1/adapters/{first}/{wish}", null, Cancel).Error(HttpStatusCode.NotFound);
        Assert.True((await client.DeleteAsync($"/v1/adapters/{first}", Cancel)).IsSuccessStatusCode);
        Assert.True((bool)(await client.Post($"/v1/adapters/{second}/pin", new { }))["pinned"]!);
        await client.DeleteAsync($"/v1/adapters/{second}", Cancel);
    }

    [Fact]
    public async Task Pin_AdapterThatCannotBeLoaded_IsNotPinned()
    {
        HttpClient client = await Client();
        JsonNode adapter = await client.UploadAdapter(seed: 70);
        foreach (string folder in Directory.GetDirectories(Path.Combine(Service.Data, "adapters"), (string)adapter["id"]!, SearchOption.AllDirectories)) File.Delete(Path.Combine(folder, "adapter_model.safetensors"));
        Assert.Equal("model_unusable", (string?)(await client.PostAsync($"/v1/adapters/{adapter["id"]}/pin", null, Cancel).Error(HttpStatusCode.ServiceUnavailable))["code"]);
        Assert.Equal((false, "disk"), ((bool)(await client.Get($"/v1/adapters/{adapter["id"]}"))["pinned"]!, (string)(await client.Get($"/v1/adapters/{adapter["id"]}"))["residency"]!));
        await client.DeleteAsync($"/v1/adapters/{adapter["id"]}", Cancel);
    }

    private async Task<HttpClient> Client() => Service.With(await Service.NewTenant($"t{Guid.NewGuid():n}"));
}
