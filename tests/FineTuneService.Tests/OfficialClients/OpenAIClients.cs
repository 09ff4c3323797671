using System.ClientModel;
using System.ClientModel.Primitives;
using System.Collections.Concurrent;
using FineTuneService.Tests.Contract;
using OpenAI;
using OpenAI.Batch;
using OpenAI.Files;
using OpenAI.FineTuning;
using OpenAI.Models;

namespace FineTuneService.Tests.OfficialClients;

/// <summary>The service as a process of its own, and OpenAI's .NET clients that speak to it over a socket with a tenant's key.</summary>
public sealed class OpenAIClients : IAsyncLifetime
{
    public const string Model = TestService.BaseModel;

    private readonly DataFolder _data = new();
    private readonly Counter _counter = new(new ContractHandler { InnerHandler = new SocketsHttpHandler() });
    private readonly ConcurrentDictionary<string, Lazy<Task>> _scenarios = [];
    private ServiceProcess? _process;

    public OpenAIClients() => Use = new CalledMethods(() => _counter.Requests);

    /// <summary>Makes the clients' calls.</summary>
    public CalledMethods Use { get; }

    /// <summary>The same tenant without OpenAI's client.</summary>
    public HttpClient Plain { get; private set; } = null!;

    public OpenAIClient Whole { get; private set; } = null!;
    public OpenAIFileClient Files => Whole.GetOpenAIFileClient();
    public FineTuningClient FineTuning => Whole.GetFineTuningClient();
    public OpenAIModelClient Models => Whole.GetOpenAIModelClient();
    public BatchClient Batches => Whole.GetBatchClient();

    public async ValueTask InitializeAsync()
    {
        _process = new ServiceProcess(_data);
        (Plain, string key) = await NewTenant("dotnet");
        Whole = new OpenAIClient(new ApiKeyCredential(key), new OpenAIClientOptions
        {
            Endpoint = new Uri(Plain.BaseAddress!, "/v1"),
            Transport = new HttpClientPipelineTransport(new HttpClient(_counter)),
        });
    }

    /// <summary>A tenant's client, and its key.</summary>
    public async Task<(HttpClient Client, string Key)> NewTenant(string id)
    {
        using HttpClient admin = await _process!.Client(TestService.AdminKey);
        await admin.Post("/v1/tenants", new { id });
        var key = (string)(await admin.Post("/v1/api_keys", new { tenant = id }))["key"]!;
        return (await _process.Client(key), key);
    }

    /// <summary>Runs what a test does when it is first asked for, by the test or by the one that looks at what all tests called.</summary>
    public Task Once(string test, Func<Task> scenario) => _scenarios.GetOrAdd(test, _ => new Lazy<Task>(scenario)).Value;

    public ValueTask DisposeAsync()
    {
        Plain?.Dispose();
        _process?.Dispose();
        _data.Dispose();
        return ValueTask.CompletedTask;
    }

    private sealed class Counter(HttpMessageHandler next) : DelegatingHandler(next)
    {
        private long _requests;

        public long Requests => Interlocked.Read(ref _requests);

        protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _requests);
            return base.Send(request, cancellationToken);
        }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _requests);
            return base.SendAsync(request, cancellationToken);
        }
    }
}

[CollectionDefinition(Name)]
public sealed class OfficialClientsCollection : ICollectionFixture<OpenAIClients>
{
    public const string Name = "official clients";
}

/// <summary>Tests of one client. What each does is run once, whoever asks for it.</summary>
public abstract class ClientTests(OpenAIClients clients)
{
    protected static readonly CancellationToken None = CancellationToken.None;

    /// <summary>Options that ask for nothing.</summary>
    protected static RequestOptions Plain => new();

    protected OpenAIClients Clients => clients;
    protected CalledMethods Use => clients.Use;

    protected Task Once(Func<Task> scenario, [System.Runtime.CompilerServices.CallerMemberName] string test = "") => clients.Once($"{GetType().Name}.{test}", scenario);

    protected static System.Text.Json.Nodes.JsonNode Json(ClientResult answer) => System.Text.Json.Nodes.JsonNode.Parse(answer.GetRawResponse().Content.ToString())!;

    protected static BinaryContent Body(object body) => BinaryContent.Create(BinaryData.FromObjectAsJson(body));
}
