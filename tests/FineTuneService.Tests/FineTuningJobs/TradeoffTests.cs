using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using FineTuneService.Device;
using Microsoft.Extensions.DependencyInjection;

namespace FineTuneService.Tests.FineTuningJobs;

/// <summary>POST /v1/fine_tuning/tradeoff.</summary>
public sealed class TradeoffTests(TestService service) : IClassFixture<TestService>
{
    private const string Path = "/v1/fine_tuning/tradeoff";

    [Fact]
    public async Task Measure_GoodRows_TellsWhatEachTookAndKeepsNothing()
    {
        HttpClient client = service.With(await service.NewTenant("tradeoff"));
        string file = await client.Upload(JobCalls.Rows(40));
        JsonNode answer = await client.Post(Path, new { model = TestService.BaseModel, training_file = file, steps = 2, batch_size = 2 });
        Assert.Equal((4, 2), ((int)answer["rows"]!, (int)answer["steps"]!)); // No more rows than the steps read.
        JsonArray data = answer["data"]!.AsArray();
        Assert.Equal(["none adamw", "none sgd", "int8 adamw", "int8 sgd", "nf4 adamw", "nf4 sgd", "fp4 adamw", "fp4 sgd"], data.Select(row => $"{row!["precision"]} {row["optimizer"]}"));
        Assert.All(data, row => Assert.True((double)row!["loss"]! > 0 && (double)row["seconds_per_step"]! > 0 && row["refused"] is null));
        long Bytes(string precision, string optimizer) => (long)data.First(row => (string?)row!["precision"] == precision && (string?)row["optimizer"] == optimizer)!["peak_bytes"]!;
        Assert.True(Bytes("nf4", "adamw") < Bytes("none", "adamw"));
        Assert.True(Bytes("none", "sgd") < Bytes("none", "adamw"));
        Assert.Equal((double)data[0]!["loss"]!, (double)(await client.Post(Path, new { model = TestService.BaseModel, training_file = file, steps = 2, batch_size = 2, precisions = new[] { "none" }, optimizers = new[] { "adamw" } }))["data"]![0]!["loss"]!);
        Assert.Empty((await client.Get("/v1/adapters"))["data"]!.AsArray());
        Assert.Empty((await client.Get("/v1/fine_tuning/jobs"))["data"]!.AsArray());
        Assert.Empty(Directory.EnumerateFileSystemEntries(System.IO.Path.Combine(service.Data, "tmp")));
    }

    [Fact]
    public async Task Measure_WhatCannotBeMeasured_IsRefused()
    {
        HttpClient client = service.With(await service.NewTenant("no-tradeoff"));
        string good = await client.Upload(JobCalls.Rows(4)), bad = await client.Upload("{broken\n");
        Task<HttpResponseMessage> Ask(object body) => client.PostAsJsonAsync(Path, body);
        await Ask(new { model = TestService.BaseModel, training_file = bad }).Error(HttpStatusCode.UnprocessableEntity);
        await Ask(new { model = "none-such", training_file = good }).Error(HttpStatusCode.NotFound);
        await Ask(new { model = TestService.BaseModel, training_file = "file-0" }).Error(HttpStatusCode.NotFound);
        Assert.Equal("steps", (string?)(await Ask(new { model = TestService.BaseModel, training_file = good, steps = 21 }).Error(HttpStatusCode.BadRequest))["param"]);
        Assert.Equal("quantization.type", (string?)(await Ask(new { model = TestService.BaseModel, training_file = good, precisions = new[] { "q4" } }).Error(HttpStatusCode.BadRequest))["param"]);
        HttpClient other = service.With(await service.NewTenant("other-tradeoff"));
        await other.PostAsJsonAsync(Path, new { model = TestService.BaseModel, training_file = good }).Error(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Measure_WhileAJobTrains_TakesItsTurnWithinIt()
    {
        HttpClient client = service.With(await service.NewTenant("takes-turns"));
        string file = await client.Upload(JobCalls.Rows(4));
        DeviceLease lease = service.Services.GetRequiredService<DeviceLease>();
        bool measured = false;
        Task<bool> job = lease.Train("a job", () =>
        {
            while (!Volatile.Read(ref measured))
            {
                lease.Offer();
                Thread.Sleep(1);
            }
            return true;
        });
        try
        {
            JsonNode answer = await client.Post(Path, new { model = TestService.BaseModel, training_file = file, steps = 1, batch_size = 2, precisions = new[] { "none" }, optimizers = new[] { "sgd" } })
                .WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
            Assert.True((double)answer["data"]![0]!["loss"]! > 0);
            Assert.False(job.IsCompleted);
        }
        finally
        {
            Volatile.Write(ref measured, true);
            await job;
        }
    }

    [Fact]
    public async Task Estimate_BaseThatIsLoadedOrMayBe_TellsTheSecondsOfAllSteps()
    {
        HttpClient client = service.With(await service.NewTenant("seconds"));
        string file = await client.Upload(JobCalls.Rows(20));
        JsonNode once = await client.Post("/v1/fine_tuning/jobs/estimate?measure=true", new { model = TestService.BaseModel, training_file = file });
        Assert.True((double)once["seconds"]! > 0);
        // It is loaded now, in the precision of such a job.
        Assert.NotNull((await client.Post("/v1/fine_tuning/jobs/estimate", new { model = TestService.BaseModel, training_file = file, training = new { epochs = 3 } }))["seconds"]);
        Assert.Null((await client.Post("/v1/fine_tuning/jobs/estimate", new { model = TestService.BaseModel, training_file = file, base_dtype = "fp16" }))["seconds"]);
        Assert.Null((await client.Post("/v1/fine_tuning/jobs/estimate?measure=true", new { model = TestService.BaseModel, training_file = file, technique = "full" }))["seconds"]);
    }

    [Fact]
    public async Task Measure_ClientThatHangsUp_LeavesTheDevice()
    {
        HttpClient client = service.With(await service.NewTenant("hangs-up"));
        string file = await client.Upload(JobCalls.Rows(4));
        DeviceLease lease = service.Services.GetRequiredService<DeviceLease>();
        using var free = new ManualResetEventSlim();
        using var hangUp = new CancellationTokenSource();
        Task<bool> held = lease.Train("the test", () => free.Wait(TimeSpan.FromMinutes(1)));
        Task<HttpResponseMessage> asked = client.PostAsJsonAsync(Path, new { model = TestService.BaseModel, training_file = file }, hangUp.Token);
        await Task.Delay(100);
        hangUp.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
        free.Set();
        await held;
        Assert.Equal("next", await lease.Train("next", () => lease.Holder!));
    }
}
