using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using FineTuneService.Device;
using FineTuneService.Tests.FineTuningJobs;

namespace FineTuneService.Tests.Operators;

public sealed class OperatorTests(TestService service) : IClassFixture<TestService>
{
    private static readonly object Long = new { max_steps = 5000, batch_size = 2, save_every = 0, eval_every = 0 };

    [Fact]
    public async Task Queue_JobsOfTwoTenants_TellsPlacesAndTheDeviceWhoHoldsIt()
    {
        HttpClient first = service.With(await service.NewTenant("queue-first")), second = service.With(await service.NewTenant("queue-second"));
        string running = await first.Train(await first.Upload(JobCalls.Rows(10)), Long);
        await first.WaitForStep(running, 2);
        string waits = await second.Train(await second.Upload(JobCalls.Rows(10)), Long);
        await first.WaitForStep(running, (int)(await first.Get($"/v1/fine_tuning/jobs/{running}"))["progress"]!["step"]! + 1);
        while ((string?)(await second.Get($"/v1/fine_tuning/jobs/{waits}"))["status"] != "queued") await Task.Delay(20, TestContext.Current.CancellationToken);

        JsonNode queue = await service.Admin.Get("/v1/queue");
        Assert.Equal((1, running), ((int)queue["queued"]!, (string)queue["running"]!));
        Assert.Equal(["queue-second", "queue-first"], queue["data"]!.AsArray().Select(own => (string)own!["tenant"]!));
        Assert.True((double)queue["data"]![1]!["share"]! > 0);
        Assert.True((long)queue["data"]![0]!["expected_start"]! > 0 && (long)queue["data"]![0]!["wait_seconds"]! >= 0);
        JsonNode device = await service.Admin.Get("/v1/device");
        Assert.True((double)device["utilisation"]! > 0);
        Assert.Equal("cpu", (string)device["kind"]!);
        JsonNode model = device["memory"]!["owners"]!.AsArray().Single(owner => (string)owner!["kind"]! == "model")!;
        Assert.Equal((TestService.BaseModel, $"job {running}"), ((string)model["owner"]!, (string)model["users"]![0]!));
        Assert.InRange((long)model["bytes"]!, 1, (long)device["memory"]!["taken"]!);

        await second.Post($"/v1/fine_tuning/jobs/{waits}/cancel", new { });
        await first.Post($"/v1/fine_tuning/jobs/{running}/cancel", new { });
        JsonArray leases = (await service.Admin.Get("/v1/device/leases?limit=1000"))["data"]!.AsArray();
        JsonNode hold = leases.Single(one => (string)one!["holder"]! == $"job {running}")!;
        Assert.Equal("queue-first", (string?)hold["tenant"]);
        Assert.True((double)hold["seconds"]! > 0);
        Assert.DoesNotContain((string)hold["id"]!, (await service.Admin.Get($"/v1/device/leases?after={hold["id"]}"))["data"]!.AsArray().Select(one => (string)one!["id"]!));
        foreach (string path in new[] { "/v1/queue", "/v1/device", "/v1/device/leases", "/v1/drain" }) await first.GetAsync(path).Error(HttpStatusCode.Forbidden);
        await service.Admin.GetAsync("/v1/device/leases?after=x").Error(HttpStatusCode.BadRequest);
    }

    [Theory, InlineData("/v1/queue"), InlineData("/v1/device")]
    public async Task View_AskedForAsAStream_BeginsWithHowItIs(string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { { "Accept", "text/event-stream" } } };
        using HttpResponseMessage answer = await service.Admin.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        Assert.Equal("text/event-stream", answer.Content.Headers.ContentType!.MediaType);
        using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        string line = (await lines.ReadLineAsync(TestContext.Current.CancellationToken))!;
        Assert.Equal(path.Split('/')[^1], (string?)JsonNode.Parse(line["data: ".Length..])!["object"]);
    }

    [Fact]
    public async Task Drain_RunningJob_SavesAndRestsAndNewWorkIsToldSoUntilItIsTakenBack()
    {
        HttpClient client = service.With(await service.NewTenant("drained"));
        string file = await client.Upload(JobCalls.Rows(10)), job = await client.Train(file, Long);
        await client.WaitForStep(job, 2);
        Assert.True((bool)(await service.Admin.Post("/v1/drain", new { }))["draining"]!);
        try
        {
            while ((int)(await service.Admin.Get("/v1/drain"))["running"]! > 0) await Task.Delay(20, TestContext.Current.CancellationToken);
            Assert.NotEmpty(Directory.GetDirectories(Path.Combine(service.Data, "jobs", job), "step-*"));
            HttpResponseMessage refused = await client.PostAsJsonAsync("/v1/completions", new { model = TestService.BaseModel, prompt = "a" }, TestContext.Current.CancellationToken);
            Assert.Equal("draining", (string?)(await Task.FromResult(refused).Error(HttpStatusCode.ServiceUnavailable))["code"]);
            Assert.NotNull(refused.Headers.RetryAfter);
            Assert.Equal("draining", (string?)(await service.CreateClient().GetAsync("/readyz").Error(HttpStatusCode.ServiceUnavailable))["code"]);
            Assert.Equal(file, (string?)(await client.Get($"/v1/files/{file}"))["id"]);
            Assert.Equal("Drained", (string?)(await service.Admin.Post("/v1/tenants/drained", new { name = "Drained" }))["name"]);
        }
        finally
        {
            await service.Admin.DeleteAsync("/v1/drain", TestContext.Current.CancellationToken);
        }
        int step = (int)(await client.Get($"/v1/fine_tuning/jobs/{job}"))["progress"]!["step"]!;
        await client.WaitForStep(job, step + 1);
        Assert.Contains((await client.AllEvents(job)).Select(e => (string)e["message"]!), message => message.StartsWith("Resumed from the checkpoint of step", StringComparison.Ordinal));
        Assert.Equal("cancelled", (string?)(await client.Post($"/v1/fine_tuning/jobs/{job}/cancel", new { }))["status"]);
    }

    [Fact]
    public async Task Streams_OfQueueAndLeases_TellEachChangeAndGoOnBehindAnId()
    {
        CancellationToken cancel = TestContext.Current.CancellationToken;
        HttpClient client = service.With(await service.NewTenant("queue-stream"));
        string job;
        using (StreamReader queue = await Events("/v1/queue"))
        {
            Assert.DoesNotContain("queue-stream", (await Data(queue))["data"]!.AsArray().Select(own => (string)own!["tenant"]!));
            job = await client.Train(await client.Upload(JobCalls.Rows(10)), Long);
            while (!(await Data(queue))["data"]!.AsArray().Any(own => (string)own!["tenant"]! == "queue-stream")) { }
        }
        await client.Post($"/v1/fine_tuning/jobs/{job}/cancel", new { });
        await client.Chat(TestService.BaseModel, 1);
        string[] ids = await Ids(null);
        Assert.Equal(ids[1..], (await Ids(ids[0]))[..2]);

        async Task<string[]> Ids(string? after)
        {
            using StreamReader leases = await Events("/v1/device/leases", after);
            var read = new List<string>();
            while (read.Count < 3) read.Add((string)(await Data(leases))["id"]!);
            return [.. read];
        }

        async Task<StreamReader> Events(string path, string? after = null)
        {
            var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { { "Accept", "text/event-stream" } } };
            if (after is not null) request.Headers.Add("Last-Event-ID", after);
            HttpResponseMessage answer = await service.Admin.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel);
            Assert.Equal("text/event-stream", answer.Content.Headers.ContentType!.MediaType);
            return new StreamReader(await answer.Content.ReadAsStreamAsync(cancel));
        }

        async Task<JsonNode> Data(StreamReader events)
        {
            while (true)
            {
                string line = (await events.ReadLineAsync(cancel))!;
                if (line.StartsWith("data: ", StringComparison.Ordinal)) return JsonNode.Parse(line[6..])!;
            }
        }
    }

    [Fact]
    public void LeaseLog_HoldsAndIdleTime_AreCoalescedAndCounted()
    {
        var clock = new ManualClock();
        var log = new LeaseLog(clock);
        void Hold(string holder, string tenant, double seconds)
        {
            long began = clock.GetTimestamp();
            clock.Advance(seconds);
            log.Held(holder, tenant, began);
        }
        Hold("answers", "", 1);
        Hold("answers", "", 1);
        Hold("a load", "acme", 2);
        log.Idles(true);
        clock.Advance(4);
        Assert.Equal(0.5, log.Utilisation, 3);
        log.Idles(false);
        Hold("answers", "", 1);
        IReadOnlyList<LeaseHold> holds = log.After(0, 10);
        Assert.Equal([("answers", 2), ("a load", 2), ("answers", 1)], holds.Select(hold => (hold.Holder, (int)Math.Round(hold.Duration.TotalSeconds))));
        Assert.Equal(holds[2], Assert.Single(log.After(holds[1].Number, 10)));
        Assert.Equal(2, log.SecondsByTenant()["acme"], 3);
        clock.Advance(120);
        Assert.Equal(1, log.Utilisation, 3);
    }

    private sealed class ManualClock : TimeProvider
    {
        private TimeSpan _now;

        public void Advance(double seconds) => _now += TimeSpan.FromSeconds(seconds);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now.Ticks;

        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch + _now;
    }
}
