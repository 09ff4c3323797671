using System.Text.Json.Nodes;

namespace FineTuneService.Tests.Hub;

/// <summary>A hub, and a service that downloads from it; one for a test class.</summary>
public sealed class HubFixture : IAsyncLifetime
{
    internal LocalHub Hub { get; } = new();

    public TestService Service { get; private set; } = null!;

    public ValueTask InitializeAsync()
    {
        Service = new TestService { Options = new Dictionary<string, string> { ["Hub:Endpoint"] = Hub.Endpoint } };
        return default;
    }

    public async ValueTask DisposeAsync()
    {
        await Service.DisposeAsync();
        await Hub.DisposeAsync();
    }
}

internal static class HubCalls
{
    /// <summary>The embedded base's files, and such as nobody should fetch.</summary>
    public static Dictionary<string, byte[]> BaseFiles() => Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "BaseModel", TestService.BaseModel))
        .ToDictionary(path => Path.GetFileName(path), File.ReadAllBytes)
        .Concat([new("modeling_talers.py", "import os"u8.ToArray()), new("onnx/config.json", "{}"u8.ToArray()), new("optimizer.pt", [1])]).ToDictionary(pair => pair.Key, pair => pair.Value);

    /// <summary>The model once its download has ended.</summary>
    public static async Task<JsonNode> Come(this HttpClient client, string id)
    {
        while (true)
        {
            JsonNode body = await client.Get($"/v1/models/{id}");
            if ((string?)body["status"] != "downloading") return body;
            await Task.Delay(20);
        }
    }
}
