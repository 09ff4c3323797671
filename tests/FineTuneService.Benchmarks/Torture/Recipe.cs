using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace FineTuneService.Benchmarks.Torture;

/// <summary>A job that is trained again and again: its adapter has always the same bytes, whoever disturbs it.</summary>
/// <param name="Number">Which of a few.</param>
internal sealed record Recipe(int Number)
{
    public const string Base = "talers-2m";
    public const int Steps = 24;
    private const int Rows = 24;

    public static readonly Recipe[] All = [new(0), new(1), new(2)];

    public byte[] File { get; } = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, Rows).Select(i => $$"""{"prompt": "{{Number}}: count from {{i}}", "completion": " {{i + 1}} {{i + 2}}"}""" + "\n")));

    public object Job(string file) => new
    {
        model = Base,
        training_file = file,
        seed = 100 + Number,
        lora = new { rank = 4, dropout = Number == 1 ? 0.1 : 0 },
        quantization = new { type = Number == 2 ? "nf4" : "none" },
        training = new { max_steps = Steps, batch_size = 2, save_every = 6, eval_every = 0, learning_rate = 0.01 },
    };

    /// <summary>SHA-256 of the weights of a succeeded job's adapter; null where they cannot be had.</summary>
    public static async Task<string?> Weights(TortureClient client, string model)
    {
        JsonNode? adapters = await client.Get("/v1/adapters?limit=100");
        string? id = (string?)adapters?["data"]!.AsArray().FirstOrDefault(adapter => (string?)adapter!["model"] == model)?["id"];
        if (id is null || await client.Download($"/v1/adapters/{id}/content") is not { } zip) return null;
        using var archive = new ZipArchive(new MemoryStream(zip));
        using Stream weights = archive.GetEntry("adapter_model.safetensors")!.Open();
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(weights));
    }

    /// <summary>The job once it has ended; null where the service is gone.</summary>
    public static async Task<JsonNode?> Ended(TortureClient client, string job)
    {
        while (await client.Get($"/v1/fine_tuning/jobs/{job}") is { } body)
        {
            if ((string?)body["status"] is "succeeded" or "failed" or "cancelled") return body;
            await Task.Delay(50);
        }
        return null;
    }
}
