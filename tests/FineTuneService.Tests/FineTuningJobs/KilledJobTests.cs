using System.IO.Compression;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using FineTuneService.Engine.Tests;

namespace FineTuneService.Tests.FineTuningJobs;

/// <summary>A job that is killed with its process, against one that nobody disturbed.</summary>
[Waits]
public sealed partial class KilledJobTests
{
    private const string Base = "stories260K";
    private const int Rows = 200, Steps = 24, SaveEvery = 4;

    [Theory, InlineData("lora"), InlineData("full")]
    public async Task Job_KilledWithItsProcess_GoesOnToTheSameWeights(string technique)
    {
        string model = Shared.Path("models", Base), rows = AlpacaRows(Shared.Path("datasets", "alpaca", "alpaca_5000.json"));
        using var data = new DataFolder();
        string key, file, killed;
        using (var first = new ServiceProcess(data))
        {
            using HttpClient admin = await first.Client(TestService.AdminKey);
            await admin.Post("/v1/models", new { id = Base, folder = model });
            await admin.Post("/v1/tenants", new { id = "acme" });
            key = (string)(await admin.Post("/v1/api_keys", new { tenant = "acme" }))["key"]!;
            using HttpClient client = await first.Client(key);
            file = await client.Upload(rows);
            killed = await Create(client, file, technique);
            await data.Wait(Path.Combine("jobs", killed, $"step-{SaveEvery:D6}"), filled: true);
            await first.Kill();
        }
        Assert.True(data.Entries(Path.Combine("jobs", killed)).Length > 0, "the job had ended before it was killed");

        using var second = new ServiceProcess(data);
        using HttpClient later = await second.Client(key);
        byte[] resumed = await Weights(later, killed, technique);
        Assert.InRange(await ResumedFrom(later, killed), SaveEvery, Steps - 1);
        Assert.Equal(await Weights(later, await Create(later, file, technique), technique), resumed);
    }

    private static async Task<byte[]> Weights(HttpClient client, string job, string technique)
    {
        if (technique == "lora") return await client.Weights(job);
        JsonNode ended = await client.Ended(job);
        Assert.True((string?)ended["status"] == "succeeded", ended.ToJsonString());
        using var zip = new ZipArchive(await client.GetStreamAsync($"/v1/models/{ended["fine_tuned_model"]}/content"));
        using var weights = new MemoryStream();
        await zip.GetEntry("model.safetensors")!.Open().CopyToAsync(weights);
        return weights.ToArray();
    }

    private static async Task<string> Create(HttpClient client, string file, string technique) => (string)(await client.Post("/v1/fine_tuning/jobs", new
    {
        model = Base,
        training_file = file,
        seed = 11,
        technique,
        lora = technique == "lora" ? new { rank = 8, dropout = 0.1, target_modules = "all-linear" } : null,
        quantization = technique == "lora" ? new { type = "nf4" } : null,
        training = new { max_steps = Steps, batch_size = 4, micro_batch_size = 2, max_seq_length = 128, save_every = SaveEvery, eval_every = 12 },
        dataset = new { validation_split = 0.1 },
    }))["id"]!;

    private static async Task<int> ResumedFrom(HttpClient client, string job)
    {
        JsonArray events = (await client.Get($"/v1/fine_tuning/jobs/{job}/events?limit=100"))["data"]!.AsArray();
        return events.Select(e => Resumed().Match((string)e!["message"]!)).Where(match => match.Success).Select(match => int.Parse(match.Groups[1].Value)).Single();
    }

    private static string AlpacaRows(string path) =>
        string.Join('\n', JsonNode.Parse(File.ReadAllText(path))!.AsArray().Take(Rows).Select(row => row!.ToJsonString()));

    [GeneratedRegex(@"^Resumed from the checkpoint of step (\d+) of ")]
    private static partial Regex Resumed();
}
