using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using FineTuneService.Data;
using FineTuneService.FineTuningJobs;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace FineTuneService.Tests.FineTuningJobs;

/// <summary>What one tenant, or one job, may take of the service.</summary>
public sealed class JobLimitsTests : IDisposable
{
    private readonly TestService _service = new() { Options = new Dictionary<string, string> { ["MaxQueuedJobs"] = "6", ["MaxJobSteps"] = "500", ["DeviceMemory"] = "200000000" } };

    [Fact]
    public async Task Create_MoreJobsThanATenantMayHave_Is429AndOthersAreTaken()
    {
        (HttpClient busy, HttpClient other) = (_service.With(await _service.NewTenant("busy")), _service.With(await _service.NewTenant("other")));
        string file = await busy.Upload(JobCalls.Rows(10));
        var body = new { model = TestService.BaseModel, training_file = file, training = new { max_steps = 80 } };
        HttpResponseMessage[] answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => busy.PostAsJsonAsync("/v1/fine_tuning/jobs", body)));
        Assert.Equal(6, answers.Count(answer => answer.IsSuccessStatusCode));
        JsonNode error = await Task.FromResult(answers.First(answer => !answer.IsSuccessStatusCode)).Error(HttpStatusCode.TooManyRequests);
        Assert.Equal("too_many_jobs", (string?)error["code"]);
        Assert.Contains("FineTune:MaxQueuedJobs", (string?)error["message"]);
        string theirs = await other.Train(await other.Upload(JobCalls.Rows(10)), new { max_steps = 1 });
        Assert.Equal("succeeded", (string?)(await other.Ended(theirs))["status"]);
        // Tenants take turns: of six jobs that were there first, the other tenant waited for those under way.
        Assert.InRange(await Begun("busy"), 1, 4);
        foreach (JsonNode? job in (await busy.Get("/v1/fine_tuning/jobs"))["data"]!.AsArray()) await busy.PostAsync($"/v1/fine_tuning/jobs/{job!["id"]}/cancel", null);
    }

    [Fact]
    public async Task Get_QueuedJob_CountsTheTenantsOwnJobsOnly()
    {
        (HttpClient busy, HttpClient other) = (_service.With(await _service.NewTenant("busy2")), _service.With(await _service.NewTenant("other2")));
        string file = await busy.Upload(JobCalls.Rows(10)), theirs = await other.Upload(JobCalls.Rows(10));
        for (int i = 0; i < 4; i++) await busy.Train(file, new { max_steps = 500 });
        string job = await other.Train(theirs, new { max_steps = 500 });
        JsonNode body;
        do body = await other.Get($"/v1/fine_tuning/jobs/{job}");
        while ((string?)body["status"] == "validating_files");
        Assert.True((string?)body["status"] != "queued" || (int)body["queue_position"]! == 0, body.ToJsonString());
        foreach (HttpClient client in new[] { busy, other })
        {
            foreach (JsonNode? queued in (await client.Get("/v1/fine_tuning/jobs"))["data"]!.AsArray()) await client.PostAsync($"/v1/fine_tuning/jobs/{queued!["id"]}/cancel", null);
        }
    }

    [Fact]
    public async Task Create_MoreStepsThanAJobMayTake_IsRefusedOrFails()
    {
        HttpClient client = _service.With(await _service.NewTenant("steps"));
        string file = await client.Upload(JobCalls.Rows(10));
        JsonNode error = await client.PostAsJsonAsync("/v1/fine_tuning/jobs", new { model = TestService.BaseModel, training_file = file, training = new { max_steps = int.MaxValue } }).Error(HttpStatusCode.UnprocessableEntity);
        Assert.Equal(("too_many_steps", "training.max_steps"), ((string?)error["code"], (string?)error["param"]));
        JsonNode ended = await client.Ended(await client.Train(file, new { epochs = 51, batch_size = 1 }));
        Assert.Equal("too_many_steps", (string?)ended["error"]!["code"]);
        Assert.Contains("510 optimizer steps", (string?)ended["error"]!["message"]);
    }

    [Fact]
    public async Task Create_MoreMemoryThanTheDeviceHas_IsRefusedOrFailsBeforeItTrains()
    {
        HttpClient client = _service.With(await _service.NewTenant("memory"));
        JsonNode error = await client.PostAsJsonAsync("/v1/fine_tuning/jobs", new { model = TestService.BaseModel, training_file = await client.Upload(JobCalls.Rows(10)), lora = new { rank = 2048 } }).Error(HttpStatusCode.UnprocessableEntity);
        Assert.Equal("exceeds_device_memory", (string?)error["code"]);
        Assert.Contains("nf4", (string?)error["message"]);

        // One row at a time is the least: an adapter that leaves room for a short one, and rows that are longer.
        string words = string.Join(' ', Enumerable.Range(0, 1000).Select(i => $"word{i}"));
        string large = await client.Upload(string.Concat(Enumerable.Range(0, 10).Select(i => $"{{\"prompt\": \"{i}\", \"completion\": \" {words}\"}}\n")));
        JsonNode small = (await client.Post("/v1/fine_tuning/jobs/estimate", Body(large, 64)))["memory"]!;
        long adapter = (long)small["trained"]! + (long)small["gradients"]! + (long)small["optimizer"]!, left = 200_000_000 - (long)small["base"]! - (2 << 20);
        object body = Body(large, (int)(64 * left / adapter));
        JsonNode ended = await client.Ended((string)(await client.Post("/v1/fine_tuning/jobs", body))["id"]!);
        Assert.Equal("exceeds_device_memory", (string?)ended["error"]!["code"]);
        Assert.Contains("FineTune:DeviceMemory", (string?)ended["error"]!["message"]);
        JsonNode estimate = await client.Post("/v1/fine_tuning/jobs/estimate", body);
        Assert.Contains(estimate["warnings"]!.AsArray(), warning => ((string)warning!).Contains("a micro batch of one row"));
    }

    [Fact]
    public async Task Create_AdapterThatTheTenantHasNoRoomFor_IsRefused()
    {
        using var small = new TestService { Options = new Dictionary<string, string> { ["MaxStoredBytes"] = "1000000" } };
        HttpClient client = small.With(await small.NewTenant("small"));
        string file = await client.Upload(JobCalls.Rows(10));
        await client.Weights(await client.Train(file, new { max_steps = 1 }));
        JsonNode error = await client.PostAsJsonAsync("/v1/fine_tuning/jobs", new { model = TestService.BaseModel, training_file = file }).Error(HttpStatusCode.UnprocessableEntity);
        Assert.Equal("storage_limit_exceeded", (string?)error["code"]);
        Assert.Contains("FineTune:MaxStoredBytes", (string?)error["message"]);
    }

    [Fact]
    public async Task Job_BegunTooOftenWithoutComingFurther_Fails()
    {
        HttpClient client = _service.With(await _service.NewTenant("poison"));
        string file = await client.Upload(JobCalls.Rows(10));
        string job = await client.Train(file, new { max_steps = 1 });
        await client.Ended(job);
        await using (AsyncServiceScope scope = _service.Services.GetRequiredService<IServiceScopeFactory>().SystemScope(out FineTuneDbContext db))
        {
            // As three kills of the process leave it.
            await db.Jobs.Where(row => row.Id == job).ExecuteUpdateAsync(set => set.SetProperty(row => row.Status, JobStatus.Running).SetProperty(row => row.Attempts, 3));
        }
        JsonNode ended = await client.Ended(job);
        Assert.Equal(("failed", "too_many_attempts"), ((string?)ended["status"], (string?)ended["error"]!["code"]));
    }

    private static object Body(string file, int rank) => new { model = TestService.BaseModel, training_file = file, base_dtype = "fp32", lora = new { rank }, training = new { batch_size = 1 } };

    public void Dispose() => _service.Dispose();

    private async Task<int> Begun(string tenant)
    {
        await using AsyncServiceScope scope = _service.Services.GetRequiredService<IServiceScopeFactory>().SystemScope(out FineTuneDbContext db);
        return await db.Jobs.CountAsync(job => job.TenantId == tenant && job.StartedAt != null);
    }
}
