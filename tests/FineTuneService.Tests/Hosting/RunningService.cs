namespace FineTuneService.Tests.Hosting;

/// <summary>The service behind a real socket, one for a test class, and a tenant's client.</summary>
public sealed class RunningService : IAsyncLifetime
{
    // Small, so that a test of the limit needs little.
    public const int MaxBodyBytes = 1 << 20;

    private readonly DataFolder _data = new();
    private ServiceProcess? _process;

    public HttpClient Admin { get; private set; } = null!;
    public HttpClient Client { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        _process = new ServiceProcess(_data, ("FineTune__MaxBodyBytes", $"{MaxBodyBytes}"));
        Admin = await _process.Client(TestService.AdminKey);
        await Admin.Post("/v1/tenants", new { id = "acme" });
        Client = await _process.Client((string)(await Admin.Post("/v1/api_keys", new { tenant = "acme" }))["key"]!);
    }

    public ValueTask DisposeAsync()
    {
        Admin.Dispose();
        Client.Dispose();
        _process!.Dispose();
        _data.Dispose();
        return ValueTask.CompletedTask;
    }
}
