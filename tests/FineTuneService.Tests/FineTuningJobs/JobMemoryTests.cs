using System.Text.Json.Nodes;
using FineTuneService.Device;
using FineTuneService.Engine.Generation;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Training;
using FineTuneService.Models;
using Microsoft.Extensions.DependencyInjection;

namespace FineTuneService.Tests.FineTuningJobs;

/// <summary>A job whose micro batches do not fit the device's memory budget beside its base.</summary>
public sealed class JobMemoryTests
{
    private const int Rows = 16, Rank = 4;

    [Fact]
    public async Task Job_MicroBatchBeyondTheBudget_IsDividedAndLearnsTheSame()
    {
        using var roomy = new TestService();
        (JsonNode whole, double[] losses) = await Train(roomy, await roomy.NewTenant("acme"));
        Assert.Null(whole["settings"]!["micro_batch_divisions"]);
        using var tight = new TestService { Options = new Dictionary<string, string> { ["DeviceMemory"] = $"{Budget()}" } };
        HttpClient client = tight.With(await tight.NewTenant("acme"));
        string file = await client.Upload(Data());
        JsonNode estimate = await client.Post("/v1/fine_tuning/jobs/estimate", Body(file));
        Assert.Contains(estimate["warnings"]!.AsArray(), warning => ((string)warning!).Contains("fewer rows at a time"));
        (JsonNode divided, double[] others) = await Train(tight, client.DefaultRequestHeaders.Authorization!.Parameter!);
        JsonNode division = divided["settings"]!["micro_batch_divisions"]!.AsArray().Single()!;
        Assert.Equal((1, 4), ((int)division["step"]!, (int)division["rows"]!));
        Assert.Equal(Rows, (int)divided["settings"]!["micro_batch_size"]!);
        Assert.Equal(losses.Length, others.Length);
        foreach ((double one, double other) in losses.Zip(others)) Assert.Equal(one, other, 1e-3 * one);
        JsonArray events = (await client.Get($"/v1/fine_tuning/jobs/{divided["id"]}/events?limit=100"))["data"]!.AsArray();
        Assert.Single(events, happened => ((string)happened!["message"]!).Contains($"no room for a micro batch of {Rows} rows: from step 1 on it has 4"));
        // Beside the base with its cache nothing stays taken.
        var resident = tight.Services.GetRequiredService<ResidentModels>();
        Assert.Equal(0, resident.BytesByKind.Training);
        Assert.True(resident.Bytes <= Budget());

        // Done again it is divided in the same places, whatever memory there is.
        JsonNode again = await client.Post($"/v1/fine_tuning/jobs/{divided["id"]}/reproduce", new { });
        Assert.True((bool)again["equal"]!, again.ToJsonString());
    }

    [Fact]
    public async Task Job_MemoryThatAnswersKeep_WaitsAndThenTakesFewerRows()
    {
        long whole = Budget(Rows, 0.1), others = whole - Budget();
        using var service = new TestService { Clock = new FastClock(), Options = new Dictionary<string, string> { ["DeviceMemory"] = $"{whole}", ["ClaimSeconds"] = "3600" } };
        HttpClient client = service.With(await service.NewTenant("acme"));
        var resident = service.Services.GetRequiredService<ResidentModels>();
        var lease = service.Services.GetRequiredService<DeviceLease>();
        // All rows would fit beside the base, but for what answers hold, which may end at any time.
        Assert.True(await lease.Serve("test", () => resident.Budget.TryTake(others)));
        JsonNode job = await client.Ended((string)(await client.Post("/v1/fine_tuning/jobs", Body(await client.Upload(Data()))))["id"]!);
        Assert.True((string?)job["status"] == "succeeded", job.ToJsonString());
        JsonNode division = job["settings"]!["micro_batch_divisions"]!.AsArray().Single()!;
        Assert.Equal((1, 4), ((int)division["step"]!, (int)division["rows"]!));
    }

    /// <summary>By which half a minute passes in a quarter of a second. The hour of the day is the machine's.</summary>
    private sealed class FastClock : TimeProvider
    {
        public override long TimestampFrequency => base.TimestampFrequency / 120;
    }

    private static async Task<(JsonNode Job, double[] Losses)> Train(TestService service, string key)
    {
        HttpClient client = service.With(key);
        JsonNode job = await client.Ended((string)(await client.Post("/v1/fine_tuning/jobs", Body(await client.Upload(Data()))))["id"]!);
        Assert.True((string?)job["status"] == "succeeded", job.ToJsonString());
        JsonArray events = (await client.Get($"/v1/fine_tuning/jobs/{job["id"]}/events?limit=100"))["data"]!.AsArray();
        return (job, [.. events.Where(happened => happened!["data"]?["train_loss"] is not null).OrderBy(happened => (int)happened!["data"]!["step"]!).Select(happened => (double)happened!["data"]!["train_loss"]!)]);
    }

    private static object Body(string file) => new
    {
        model = TestService.BaseModel,
        training_file = file,
        base_dtype = "fp32",
        lora = new { rank = Rank },
        training = new { batch_size = Rows, max_steps = 3, learning_rate = 1e-3 },
    };

    private static string Data() => string.Concat(Enumerable.Range(0, 2 * Rows).Select(i => $"{{\"prompt\": \"question {i}\", \"completion\": \"{string.Join(' ', Enumerable.Range(i, 20 + i % 5))}\"}}\n"));

    /// <summary>Room for the base with its cache, and between what four and eight rows of the longest would take.</summary>
    private static long Budget() => Budget(4, 2.0 / 3);

    /// <summary>The same for so many rows, and a part of what as many again would take.</summary>
    private static long Budget(int rows, double part = 0)
    {
        string folder = Path.Combine(EmbeddedModels.Root, TestService.BaseModel);
        ModelText text = ModelText.Load(folder);
        int longest = Enumerable.Range(0, 2 * Rows).Max(i => text.Tokenizer!.Encode($"question {i}{string.Join(' ', Enumerable.Range(i, 20 + i % 5))}", addSpecialTokens: true).Length);
        long Beside(int rows)
        {
            MemoryEstimate memory = Trainer.Estimate(text.Config, BasePrecision.Fp32, new TrainingConfig { Lora = new LoraConfig { Rank = Rank }, MicroBatchSize = rows }, rows, 1, longest).Memory;
            return memory.Total - memory.Base;
        }
        return BasePrecision.Fp32.BytesOf(text.Config) + Generator.CacheBytes(text.Config, BasePrecision.Fp32, ResidentModels.Capacity(text.Config)) + Beside(rows) + (long)((Beside(2 * rows) - Beside(rows)) * part);
    }
}
