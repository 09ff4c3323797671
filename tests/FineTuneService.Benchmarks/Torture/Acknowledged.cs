using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace FineTuneService.Benchmarks.Torture;

/// <summary>Everything that the service has said yes to, and what must still be true of it after every kill.</summary>
internal sealed class Acknowledged(Tenants tenants)
{
    private readonly Lock _gate = new();
    private readonly List<string> _faults = [];
    private readonly Dictionary<string, (string Key, string Sha256)> _files = [];
    private readonly Dictionary<string, (string Key, Recipe Recipe)> _jobs = [];
    private readonly Dictionary<string, string> _merged = [];

    public IReadOnlyList<string> Faults => _faults;

    public int JobsCompared { get; private set; }

    public int FilesCompared { get; private set; }

    public int MergedAsked { get; private set; }

    /// <summary>A file that was uploaded.</summary>
    public void Keep(JsonNode file, string key, byte[] bytes)
    {
        lock (_gate) _files[(string)file["id"]!] = (key, Convert.ToHexStringLower(SHA256.HashData(bytes)));
    }

    /// <summary>A job that was created.</summary>
    public void Keep(JsonNode job, string key, Recipe recipe)
    {
        lock (_gate) _jobs[(string)job["id"]!] = (key, recipe);
    }

    /// <summary>A model that was merged.</summary>
    public void Keep(JsonNode merged, string key)
    {
        lock (_gate) _merged[(string)merged["id"]!] = key;
    }

    public void Fault(string what)
    {
        lock (_gate) _faults.Add(what);
        Console.WriteLine($"FAULT {what}");
    }

    /// <summary>Waits for the jobs of this round and compares all; what was compared may then be deleted.</summary>
    public async Task Check(Func<string, TortureClient> clientOf)
    {
        foreach ((string id, (string key, string sha256)) in _files)
        {
            using TortureClient client = clientOf(key);
            byte[]? bytes = await client.Download($"/v1/files/{id}/content");
            if (bytes is null || Convert.ToHexStringLower(SHA256.HashData(bytes)) != sha256) Fault($"file {id} was acknowledged, and is gone or has other bytes");
            FilesCompared++;
        }
        foreach ((string id, (string key, Recipe recipe)) in _jobs)
        {
            using TortureClient client = clientOf(key);
            await Check(client, id, recipe);
        }
        foreach ((string model, string key) in _merged)
        {
            using TortureClient client = clientOf(key);
            if (await client.Post("/v1/completions", new { model, prompt = "count", max_tokens = 1 }) is null) Fault($"merged model {model} was acknowledged, and does not answer");
            MergedAsked++;
            await client.Delete($"/v1/models/{model}");
        }
        foreach ((string id, (string key, _)) in _files.Take(_files.Count - 8).ToArray())
        {
            using TortureClient client = clientOf(key);
            await client.Delete($"/v1/files/{id}");
            _files.Remove(id);
        }
        _jobs.Clear();
        _merged.Clear();
    }

    private async Task Check(TortureClient client, string id, Recipe recipe)
    {
        if (await Recipe.Ended(client, id) is not { } job)
        {
            Fault($"job {id} was acknowledged, and is gone");
            return;
        }
        if ((string?)job["status"] != "succeeded")
        {
            Fault($"job {id} is {job["status"]}: {job["error"]?.ToJsonString()}");
            return;
        }
        string model = (string)job["fine_tuned_model"]!;
        if (await Recipe.Weights(client, model) != tenants.Weights(recipe)) Fault($"job {id}: its adapter is not the one that an undisturbed run gives");
        JsonNode? checkpoints = await client.Get($"/v1/fine_tuning/jobs/{id}/checkpoints");
        foreach (JsonNode? checkpoint in checkpoints?["data"]?.AsArray() ?? [])
        {
            if (await client.Get($"/v1/models/{checkpoint!["fine_tuned_model_checkpoint"]}") is null) Fault($"checkpoint {checkpoint["id"]} names a model that is not there");
        }
        if (!(await Steps(client, id)).Distinct().Order().SequenceEqual(Enumerable.Range(1, Recipe.Steps))) Fault($"job {id}: its events leave out steps");
        JobsCompared++;
        await client.Delete($"/v1/models/{model}");
        await client.Delete($"/v1/fine_tuning/jobs/{id}");
    }

    private static async Task<int[]> Steps(TortureClient client, string job)
    {
        JsonNode? metrics = await client.Get($"/v1/fine_tuning/jobs/{job}/metrics?keys=train_loss");
        return [.. metrics?["columns"]?["train_loss"]?["step"]?.AsArray().Select(step => (int)step!) ?? []];
    }
}
