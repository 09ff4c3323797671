using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using FineTuneService.Benchmarks.Soak;

namespace FineTuneService.Benchmarks.Torture;

/// <summary>
/// Kills the real service with SIGKILL at random moments, each kind in its turn, while several tenants upload, train, merge and chat; after each
/// kill it is started again, and everything that it had acknowledged is checked. The seed decides when; the machine's own timing the rest.
/// </summary>
internal sealed class TortureRun(int seed, int kills, TimeSpan longest) : IDisposable
{
    private static readonly string[] Names = ["acme", "globex", "initech"];

    private readonly string _data = Directory.CreateTempSubdirectory("finetune-torture-").FullName;
    private readonly Random _random = new(seed);
    private readonly Dictionary<Moment, int> _histogram = Enum.GetValues<Moment>().ToDictionary(moment => moment, _ => 0);
    private readonly Dictionary<Recipe, string> _undisturbed = [];
    private string[] _keys = [];
    private string[] _recipeFiles = [];
    private int _missed;

    public static async Task<int> Run(int seed, int? kills, double minutes)
    {
        using var run = new TortureRun(seed, kills ?? int.MaxValue, TimeSpan.FromMinutes(minutes));
        return await run.Go();
    }

    public void Dispose() => Directory.Delete(_data, recursive: true);

    private async Task<int> Go()
    {
        var clock = Stopwatch.StartNew();
        var acknowledged = new Acknowledged(_undisturbed);
        ServiceUnderTest service = new(_data);
        try
        {
            await service.Ready();
            await Undisturbed(service, acknowledged);
            Console.WriteLine($"seed {seed}; {_undisturbed.Count} undisturbed adapters after {clock.Elapsed.TotalSeconds:0} s; kills begin");
            Moment[] moments = Enum.GetValues<Moment>();
            for (int round = 0; _histogram.Values.Sum() < kills && clock.Elapsed < longest && acknowledged.Faults.Count == 0; round++)
            {
                Moment moment = moments[round % moments.Length];
                Task<bool> chat = Chat(service, round);
                bool hit = await Kill(moment, service, acknowledged);
                service.Dispose();
                await chat;
                if (hit) _histogram[moment]++;
                else _missed++;
                service = new ServiceUnderTest(_data);
                if (moment == Moment.StartUpRepair) service = await KillAgain(service);
                await service.Ready();
                await acknowledged.Check(key => new TortureClient(service.Address, key));
                await NothingUnfinished(acknowledged);
            }
        }
        finally
        {
            service.Dispose();
        }
        Report(acknowledged, clock.Elapsed);
        return acknowledged.Faults.Count == 0 ? 0 : 1;
    }

    /// <summary>Tenants, their files, and each recipe's adapter as nobody disturbs it.</summary>
    private async Task Undisturbed(ServiceUnderTest service, Acknowledged acknowledged)
    {
        using var admin = new HttpClient { BaseAddress = service.Address, DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", service.AdminKey) } };
        var keys = new List<string>();
        var files = new List<string>();
        for (int i = 0; i < Names.Length; i++)
        {
            (await admin.PostAsJsonAsync("/v1/tenants", new { id = Names[i] })).EnsureSuccessStatusCode();
            JsonNode key = (await (await admin.PostAsJsonAsync("/v1/api_keys", new { tenant = Names[i] })).Content.ReadFromJsonAsync<JsonNode>())!;
            keys.Add((string)key["key"]!);
            using var client = new TortureClient(service.Address, keys[i]);
            Recipe recipe = Recipe.All[i];
            files.Add((string)(await client.Upload(new ByteArrayContent(recipe.File), "rows.jsonl"))!["id"]!);
            acknowledged.Files[files[i]] = (keys[i], Convert.ToHexStringLower(SHA256.HashData(recipe.File)));
            string job = (string)(await client.Post("/v1/fine_tuning/jobs", recipe.Job(files[i])))!["id"]!;
            JsonNode ended = (await Recipe.Ended(client, job))!;
            _undisturbed[recipe] = await Recipe.Weights(client, (string?)ended["fine_tuned_model"] ?? throw new InvalidOperationException(ended.ToJsonString())) ?? throw new InvalidOperationException("no weights");
        }
        acknowledged.Files.Clear(); // They are needed to the end, and not to be deleted.
        (_keys, _recipeFiles) = ([.. keys], [.. files]);
    }

    /// <summary>Brings the service into the moment, and is back when it is to be killed.</summary>
    /// <returns>Whether the moment was still on.</returns>
    private Task<bool> Kill(Moment moment, ServiceUnderTest service, Acknowledged acknowledged) => moment switch
    {
        Moment.Upload => Upload(service, acknowledged),
        Moment.Validation => Train(service, acknowledged, (job, client) => Delay(12, client, job, "validating_files")),
        Moment.Save => Train(service, acknowledged, (job, _) => UntilSaving(job)),
        Moment.Merge => Merge(service, acknowledged),
        _ => Train(service, acknowledged, (job, client) => UntilStep(job, client)),
    };

    private async Task<bool> Upload(ServiceUnderTest service, Acknowledged acknowledged)
    {
        string key = _keys[_random.Next(_keys.Length)];
        byte[] bytes = new byte[_random.Next(100_000, 4_000_000)];
        _random.NextBytes(bytes);
        // Beyond the whole: the commit's own moments.
        double at = _random.NextDouble() * 1.1;
        int after = _random.Next(0, 12);
        var there = new TaskCompletionSource();
        using var client = new TortureClient(service.Address, key);
        Task<JsonNode?> upload = client.Upload(new SlowContent(bytes, sent =>
        {
            if (sent >= Math.Min(at, 1)) there.TrySetResult();
        }), "torture.bin");
        await Task.WhenAny(there.Task, upload);
        if (at > 1) await Task.Delay(after);
        bool underWay = !upload.IsCompleted;
        service.Dispose();
        if (await upload is { } answered) acknowledged.Files[(string)answered["id"]!] = (key, Convert.ToHexStringLower(SHA256.HashData(bytes)));
        return underWay;
    }

    /// <summary>A job of each of two tenants, killed at a moment of the first.</summary>
    private async Task<bool> Train(ServiceUnderTest service, Acknowledged acknowledged, Func<string, TortureClient, Task<bool>> moment)
    {
        int first = _random.Next(Names.Length), second = (first + 1) % Names.Length;
        using TortureClient client = new(service.Address, _keys[first]), other = new(service.Address, _keys[second]);
        byte[] bytes = new byte[_random.Next(1, 200_000)];
        _random.NextBytes(bytes);
        if (await client.Upload(new ByteArrayContent(bytes), "kept.bin") is { } file) acknowledged.Files[(string)file["id"]!] = (_keys[first], Convert.ToHexStringLower(SHA256.HashData(bytes)));
        if (await Create(client, first, acknowledged) is not { } job) return false;
        Task<string?> beside = Create(other, second, acknowledged);
        bool hit = await moment(job, client);
        service.Dispose();
        await beside;
        return hit;
    }

    private async Task<string?> Create(TortureClient client, int tenant, Acknowledged acknowledged)
    {
        Recipe recipe = Recipe.All[tenant];
        if (await client.Post("/v1/fine_tuning/jobs", recipe.Job(_recipeFiles[tenant])) is not { } made) return null;
        string job = (string)made["id"]!;
        lock (acknowledged.Jobs) acknowledged.Jobs[job] = (_keys[tenant], recipe);
        return job;
    }

    private async Task<bool> Delay(int most, TortureClient client, string job, string status)
    {
        await Task.Delay(_random.Next(0, most));
        return (string?)(await client.Get($"/v1/fine_tuning/jobs/{job}"))?["status"] == status;
    }

    private async Task<bool> UntilStep(string job, TortureClient client)
    {
        while (await client.Get($"/v1/fine_tuning/jobs/{job}") is { } body && (string?)body["status"] is "validating_files" or "queued" or "running" && (int)body["progress"]!["step"]! < 1) await Task.Delay(5);
        await Task.Delay(_random.Next(0, 400));
        return (string?)(await client.Get($"/v1/fine_tuning/jobs/{job}"))?["status"] == "running";
    }

    /// <summary>Until a checkpoint or an adapter is being written, as the folders show, and a moment longer.</summary>
    private Task<bool> UntilSaving(string job) => Task.Run(() =>
    {
        string checkpoints = Path.Combine(_data, "jobs", job), temporary = Path.Combine(_data, "tmp");
        int skip = _random.Next(0, 8);
        string? before = null;
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < TimeSpan.FromSeconds(30);)
        {
            try
            {
                string? now = Directory.EnumerateDirectories(temporary).FirstOrDefault() ?? (Directory.Exists(checkpoints) ? Directory.EnumerateDirectories(checkpoints, "*.partial").FirstOrDefault() : null);
                if (now is not null && now != before && skip-- == 0)
                {
                    Thread.SpinWait(_random.Next(0, 60_000));
                    return true;
                }
                before = now;
            }
            catch (DirectoryNotFoundException)
            {
            }
        }
        return false;
    });

    private async Task<bool> Merge(ServiceUnderTest service, Acknowledged acknowledged)
    {
        int tenant = _random.Next(Names.Length);
        using var client = new TortureClient(service.Address, _keys[tenant]);
        JsonNode? adapter = (await client.Get("/v1/adapters?order=asc&limit=1"))?["data"]?[0];
        if (adapter is null) return false;
        Task<JsonNode?> merge = client.Post($"/v1/adapters/{adapter["id"]}/merge", new { suffix = "tortured" });
        await Task.Delay(_random.Next(0, 40));
        bool underWay = !merge.IsCompleted;
        service.Dispose();
        if (await merge is { } merged) acknowledged.Merged[(string)merged["id"]!] = _keys[tenant];
        return underWay;
    }

    /// <summary>Kills a start, somewhere between its first instruction and its first answer.</summary>
    private async Task<ServiceUnderTest> KillAgain(ServiceUnderTest starting)
    {
        await Task.Delay(_random.Next(50, 1500));
        starting.Dispose();
        return new ServiceUnderTest(_data);
    }

    /// <summary>Answers are under way, too.</summary>
    private async Task<bool> Chat(ServiceUnderTest service, int round)
    {
        using var client = new TortureClient(service.Address, _keys[round % _keys.Length]);
        return await client.Post("/v1/chat/completions", new { model = Recipe.Base, max_tokens = 200, messages = new[] { new { role = "user", content = "What costs a kettle?" } } }) is not null;
    }

    /// <summary>With nothing to do, the service has nothing half-written, neither of its own nor of those that were killed.</summary>
    private async Task NothingUnfinished(Acknowledged acknowledged)
    {
        string[] left = [];
        for (int i = 0; i < 50; i++)
        {
            left = [.. Directory.EnumerateFileSystemEntries(Path.Combine(_data, "tmp")).Where(path => Path.GetFileName(path) != "readiness"), .. Directory.EnumerateFileSystemEntries(Path.Combine(_data, "jobs"))];
            if (left.Length == 0) return;
            await Task.Delay(100);
        }
        acknowledged.Fault($"nothing is to be done, and {string.Join(", ", left)} is left");
    }

    private void Report(Acknowledged acknowledged, TimeSpan took)
    {
        Console.WriteLine($"{_histogram.Values.Sum()} kills in {took.TotalMinutes:0.0} minutes, seed {seed}; {_missed} more came when the moment had passed");
        foreach ((Moment moment, int count) in _histogram) Console.WriteLine($"  {moment,-14} {count,4} {new string('#', Math.Min(count, 60))}");
        Console.WriteLine($"compared: {acknowledged.JobsCompared} jobs' adapters with undisturbed runs', {acknowledged.FilesCompared} files' bytes");
        Console.WriteLine(acknowledged.Faults.Count == 0 ? "everything that was acknowledged is there" : $"{acknowledged.Faults.Count} faults");
    }
}
