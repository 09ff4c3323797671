using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Http.Json;
using Names = FineTuneService.Hosting.Telemetry;

namespace FineTuneService.Tests.Telemetry;

/// <summary>What an operator's dashboards are made of.</summary>
public sealed class MetricTests(TestService service) : IClassFixture<TestService>
{
    [Fact]
    public void Histograms_OfSeconds_HaveBoundsForSeconds()
    {
        foreach (Histogram<double> histogram in new[] { Names.RequestSeconds, Names.FirstTokenSeconds, Names.TokenSeconds, Names.StepSeconds, Names.LeaseWaitSeconds, Names.JobSeconds })
        {
            Assert.Equal("s", histogram.Unit);
            Assert.InRange(histogram.Advice!.HistogramBucketBoundaries!.Count, 10, 20);
        }
        // The conventions' own lists: opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics
        Assert.Equal([0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92], Names.RequestSeconds.Advice!.HistogramBucketBoundaries!);
        Assert.Equal([0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10], Names.FirstTokenSeconds.Advice!.HistogramBucketBoundaries!);
    }

    [Fact]
    public async Task Answer_GoodOrRefused_IsMeasuredByModelOperationAndOutcome()
    {
        HttpClient client = service.With(await service.NewTenant("measured"));
        using var meter = new Listening("gen_ai.server.request.duration");
        object Ask(string text) => new { model = TestService.BaseModel, messages = new[] { new { role = "user", content = text } }, max_tokens = 3 };
        await client.Post("/v1/chat/completions", Ask("a"));
        await client.PostAsJsonAsync("/v1/chat/completions", Ask(string.Concat(Enumerable.Repeat("stone ", 400)))).Error(HttpStatusCode.BadRequest);
        while (meter.Seen.Count < 2) await Task.Delay(10);
        Assert.All(meter.Seen, tags => Assert.Equal(("chat", TestService.BaseModel), ((string?)tags[Names.Keys.Operation], (string?)tags[Names.Keys.RequestModel])));
        Assert.Equal([null, "context_length_exceeded"], meter.Seen.Select(tags => (string?)tags.GetValueOrDefault(Names.Keys.ErrorType)).Order());
    }

    [Fact]
    public async Task Job_CancelledWhileItWaits_IsCounted()
    {
        HttpClient client = service.With(await service.NewTenant("counted"));
        string file = await client.Upload(string.Concat(Enumerable.Repeat("{\"prompt\": \"one two three\", \"completion\": \" four five six\"}\n", 50)));
        async Task<string> Create() => (string)(await client.Post("/v1/fine_tuning/jobs", new { model = TestService.BaseModel, training_file = file, training = new { epochs = 1000, batch_size = 1 } }))["id"]!;
        string running = await Create();
        while ((string?)(await client.Get($"/v1/fine_tuning/jobs/{running}"))["status"] != "running") await Task.Delay(20);
        string waiting = await Create();
        while ((string?)(await client.Get($"/v1/fine_tuning/jobs/{waiting}"))["status"] != "queued") await Task.Delay(20);
        using var meter = new Listening("finetune.jobs");
        await client.PostAsync($"/v1/fine_tuning/jobs/{waiting}/cancel", null);
        Assert.Equal("cancelled", (string?)(await client.Ended(waiting))["status"]);
        while (meter.Seen.IsEmpty) await Task.Delay(10);
        Assert.All(meter.Seen, tags => Assert.Equal("cancelled", tags[Names.Keys.JobStatus]));
        await client.PostAsync($"/v1/fine_tuning/jobs/{running}/cancel", null);
        await client.Ended(running);
    }

    /// <summary>The attributes of every measurement of one instrument, from now on.</summary>
    private sealed class Listening : IDisposable
    {
        private readonly MeterListener _listener = new();

        public Listening(string instrument)
        {
            _listener.InstrumentPublished = (found, listener) =>
            {
                if (found.Meter.Name == Names.Name && found.Name == instrument) listener.EnableMeasurementEvents(found);
            };
            _listener.SetMeasurementEventCallback<double>((_, _, tags, _) => Seen.Enqueue(new(tags.ToArray())));
            _listener.SetMeasurementEventCallback<long>((_, _, tags, _) => Seen.Enqueue(new(tags.ToArray())));
            _listener.Start();
        }

        public ConcurrentQueue<Dictionary<string, object?>> Seen { get; } = [];

        public void Dispose() => _listener.Dispose();
    }
}
