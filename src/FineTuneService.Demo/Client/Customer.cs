using System.Text.Json.Nodes;
using FineTuneService.Demo.Tenants;

namespace FineTuneService.Demo.Client;

/// <summary>A tenant with its key, its task and the adapter that it trains.</summary>
internal sealed class Customer(ServiceClient api, TenantTask task) : IDisposable
{
    private string? _trainingFile;

    public ServiceClient Api => api;
    public TenantTask Task => task;

    public string JobId { get; private set; } = "";

    /// <summary>The loss on the validation split before training and after it, from the job's events.</summary>
    public (double Before, double After) ValidationLoss { get; set; }

    /// <summary>The name that chat requests give the adapter.</summary>
    public string Model { get; private set; } = "";

    public string AdapterId { get; private set; } = "";

    /// <summary>The administrator creates the tenant and a key of it.</summary>
    public static async Task<Customer> CreateAsync(ServiceClient admin, Uri address, TenantTask task)
    {
        await admin.PostAsync("/v1/tenants", new { id = task.Tenant, name = task.Tenant });
        var key = await admin.PostAsync("/v1/api_keys", new { tenant = task.Tenant, name = "demo" });
        return new Customer(new ServiceClient(address, (string)key["key"]!), task);
    }

    public async Task UploadAsync() =>
        _trainingFile = await api.UploadAsync($"{task.Suffix}.jsonl", TenantTask.JsonLines([.. task.Train, .. task.Validation]));

    public Task<JsonNode> EstimateAsync(string baseModel) => api.PostAsync("/v1/fine_tuning/jobs/estimate", JobBody(baseModel));

    public async Task QueueJobAsync(string baseModel) =>
        JobId = (string)(await api.PostAsync("/v1/fine_tuning/jobs", JobBody(baseModel)))["id"]!;

    /// <summary>Takes the adapter's names from the job, which has ended.</summary>
    /// <exception cref="InvalidOperationException">It has not succeeded.</exception>
    public async Task TakeAdapterAsync()
    {
        var job = await api.GetAsync($"/v1/fine_tuning/jobs/{JobId}");
        if ((string?)job["status"] != "succeeded")
            throw new InvalidOperationException($"The job of {task.Tenant} ended as {job["status"]}: {job["error"]?.ToJsonString()}");
        Model = (string)job["fine_tuned_model"]!;
        var adapters = (await api.GetAsync("/v1/adapters"))["data"]!.AsArray();
        AdapterId = (string)adapters.Single()!["id"]!;
    }

    public void Dispose() => api.Dispose();

    /// <summary>QLoRA: a 4-bit base with double quantization, and an adapter on every linear layer.</summary>
    private object JobBody(string baseModel) => new
    {
        model = baseModel,
        training_file = _trainingFile,
        suffix = task.Suffix,
        seed = 7,
        dataset = new { validation_split = (double)task.Validation.Count / (task.Train.Count + task.Validation.Count) },
        quantization = new { type = "nf4", double_quant = true },
        lora = new { rank = 16, alpha = 32, target_modules = "all-linear" },
        training = new
        {
            learning_rate = 4e-3,
            lr_scheduler = "cosine",
            warmup = 10,
            batch_size = 8,
            micro_batch_size = 8,
            epochs = 3,
            max_seq_length = 128,
            eval_every = 125,
        },
    };
}
