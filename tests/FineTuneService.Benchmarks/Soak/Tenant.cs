using System.Collections.Concurrent;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;

namespace FineTuneService.Benchmarks.Soak;

/// <summary>A tenant whose adapter answers with the tenant's own mark.</summary>
internal sealed class Tenant(Caller caller, Findings findings, int number)
{
    private const string Base = "talers-2m";
    private const int MostTries = 30;
    private static readonly string[] s_names = ["Ada", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gus", "Hana", "Ivo", "June"];

    private readonly ConcurrentQueue<string> _jobs = [];
    private string? _adapterHash;

    public Caller Caller => caller;
    public string Mark { get; } = $"mark {number} {number}";
    public string Model { get; private set; } = "";
    public string AdapterId { get; private set; } = "";

    /// <summary>Every job that was acknowledged.</summary>
    public IReadOnlyCollection<string> Jobs => _jobs;

    /// <summary>Trains the tenant's adapter while nothing else runs: the bytes that every later run of the same job must have.</summary>
    public async Task Prepare()
    {
        Reply? created = null;
        for (int tries = 0; created is null; tries++)
        {
            if (tries > 0) await Task.Delay(1000);
            if (tries == MostTries) throw new InvalidOperationException("the first job was not created");
            created = await Create(CancellationToken.None);
        }
        Reply job = (await Wait(created, CancellationToken.None))!;
        Model = job.Text("fine_tuned_model");
        AdapterId = await AdapterOf(Model);
        _adapterHash = await Hash(AdapterId, CancellationToken.None);
        if (await Answer(CancellationToken.None) is not { } said || !said.Contains(Mark, StringComparison.Ordinal))
            throw new InvalidOperationException($"the adapter of {caller.Name} has not learnt its mark");
    }

    /// <summary>Runs the same job again, and compares the bytes; then deletes what it made.</summary>
    public async Task TrainAgain(CancellationToken cancel)
    {
        if (await Wait(await Create(cancel), cancel) is not { } job) return;
        if (job.Text("status") != "succeeded")
        {
            findings.Fault($"{caller.Name}: a job ended as {job.Text("status")}: {job.Body!["error"]?.ToJsonString()}");
            return;
        }
        string adapter = await AdapterOf(job.Text("fine_tuned_model"));
        string? hash = await Hash(adapter, cancel);
        if (hash is not null && hash != _adapterHash) findings.Fault($"{caller.Name}: the adapter of {job.Text("id")} has other bytes than the undisturbed run's");
        if (hash is not null) findings.ComparedJob();
        await caller.Delete($"/v1/adapters/{adapter}", cancel);
    }

    /// <summary>Asks the tenant's adapter, and holds the answer to be its own.</summary>
    public async Task Ask(IEnumerable<Tenant> all, CancellationToken cancel)
    {
        if (await Answer(cancel) is not { } said) return;
        Compare(said, all);
    }

    /// <summary>Holds an answer of the tenant's adapter to be its own.</summary>
    public void Compare(string said, IEnumerable<Tenant> all)
    {
        findings.ComparedAnswer();
        if (all.Any(other => other != this && said.Contains(other.Mark, StringComparison.Ordinal))) findings.WrongTenant($"{caller.Name} was answered with another tenant's mark: {said}");
        else if (!said.Contains(Mark, StringComparison.Ordinal)) findings.Fault($"{caller.Name} was answered without its mark: {said}");
    }

    public static object ChatBody(string model, string prompt, int maxTokens, bool stream) =>
        new { model, stream, max_tokens = maxTokens, temperature = 0, messages = new[] { new { role = "user", content = prompt } } };

    private async Task<string?> Answer(CancellationToken cancel)
    {
        Reply reply = await caller.Post("/v1/chat/completions", ChatBody(Model, "Greet Ada.", 24, false), cancel);
        return reply.Succeeded ? (string?)reply.Body!["choices"]![0]!["message"]!["content"] : null;
    }

    private byte[] Rows() => Encoding.UTF8.GetBytes(string.Join('\n', s_names.Select(name =>
        $$"""{"messages": [{"role": "user", "content": "Greet {{name}}."}, {"role": "assistant", "content": "{{Mark}}"}]}""")));

    private async Task<Reply?> Create(CancellationToken cancel)
    {
        Reply file = await caller.Upload("/v1/files", "train.jsonl", Rows(), "fine-tune", cancel);
        if (!file.Succeeded) return null;
        Reply job = await caller.Post("/v1/fine_tuning/jobs", new
        {
            model = Base,
            training_file = file.Text("id"),
            seed = number,
            quantization = new { type = "nf4" },
            training = new { epochs = 30, learning_rate = 0.005, batch_size = 5, micro_batch_size = 5, save_every = 10 },
        }, cancel);
        // The job keeps its bytes, so its file may go at once.
        await caller.Delete($"/v1/files/{file.Text("id")}", cancel);
        if (!job.Succeeded) return null;
        _jobs.Enqueue(job.Text("id"));
        return job;
    }

    /// <returns>The ended job, or null where there was none.</returns>
    private async Task<Reply?> Wait(Reply? created, CancellationToken cancel)
    {
        if (created is null) return null;
        while (true)
        {
            Reply job = await caller.Get($"/v1/fine_tuning/jobs/{created.Text("id")}", cancel);
            if (job.Succeeded && job.Text("status") is "succeeded" or "failed" or "cancelled") return job;
            await Task.Delay(250, cancel);
        }
    }

    private async Task<string> AdapterOf(string model)
    {
        while (true)
        {
            Reply adapters = await caller.Get("/v1/adapters?limit=100");
            if (adapters.Succeeded) return (string)adapters.Body!["data"]!.AsArray().Single(entry => (string?)entry!["model"] == model)!["id"]!;
            await Task.Delay(1000);
        }
    }

    private async Task<string?> Hash(string adapter, CancellationToken cancel)
    {
        if (await caller.Download($"/v1/adapters/{adapter}/content", cancel) is not { } zip) return null;
        using var archive = new ZipArchive(new MemoryStream(zip));
        using Stream weights = archive.Entries.Single(entry => entry.Name == "adapter_model.safetensors").Open();
        return Convert.ToHexStringLower(SHA256.HashData(weights));
    }
}
