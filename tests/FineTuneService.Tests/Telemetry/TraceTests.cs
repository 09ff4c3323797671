using System.Text.Json.Nodes;

namespace FineTuneService.Tests.Telemetry;

/// <summary>What a collector gets of a job and an answer.</summary>
[Waits]
public sealed class TraceTests
{
    [Fact]
    public async Task Export_JobAndChat_TracesMetricsAndLogsArrive()
    {
        await using var collector = new OtlpReceiver();
        await collector.Start();
        using var data = new DataFolder();
        using var service = new ServiceProcess(data, ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Address), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"), ("OTEL_METRIC_EXPORT_INTERVAL", "300"));
        await TrainAndAsk(service);
        Assert.Equal(0, await service.Terminate());

        ReceivedSpan job = Assert.Single(collector.Spans, span => span.Name == "finetune.job");
        Assert.Superset(new HashSet<string> { "finetune.queue", "finetune.claim", "finetune.step", "finetune.save" }, Children(collector, job));
        (string trace, string post) = Assert.Single(job.Links);
        Assert.NotEqual(job.TraceId, trace);
        ReceivedSpan request = Assert.Single(collector.Spans, span => span.SpanId == post && span.TraceId == trace);
        Assert.Equal("POST /v1/fine_tuning/jobs", request.Name);
        Assert.Equal(("acme", "succeeded", TestService.BaseModel), (job.Attributes["finetune.tenant"], job.Attributes["finetune.job.status"], job.Attributes["gen_ai.request.model"]));
        Assert.StartsWith("ftjob-", job.Attributes["finetune.job.id"]);
        foreach ((string span, string[] attributes) in new[] { ("finetune.step", new[] { "finetune.step", "finetune.loss" }), ("finetune.save", ["finetune.step"]) })
            Assert.All(collector.Spans.Where(child => child.Name == span), child => Assert.Equal(attributes.Order(), child.Attributes.Keys.Order()));

        ReceivedSpan chat = Assert.Single(collector.Spans, span => span.Name == "chat talers-2m");
        Assert.Superset(new HashSet<string> { "finetune.lease_wait", "finetune.adapter", "gen_ai.prefill", "gen_ai.decode" }, Children(collector, chat));
        Assert.Contains(collector.Spans, span => span.SpanId == chat.ParentId && span.TraceId == chat.TraceId);
        Assert.Equal(("chat", TestService.BaseModel), (chat.Attributes["gen_ai.operation.name"], chat.Attributes["gen_ai.request.model"]));
        Assert.Superset(new HashSet<string> { "gen_ai.provider.name", "gen_ai.request.max_tokens", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "gen_ai.response.finish_reasons" }, chat.Attributes.Keys.ToHashSet());
        Assert.Superset(new HashSet<string> { "traces", "metrics", "logs" }, collector.Signals.ToHashSet());
        // Seconds, not OpenTelemetry's default bounds of 0, 5, 10 …
        foreach (string histogram in new[] { "gen_ai.server.request.duration", "gen_ai.server.time_to_first_token", "http.server.request.duration", "finetune.step.duration", "finetune.job.duration", "finetune.queue.wait", "finetune.save.duration", "finetune.lease.wait" })
            Assert.InRange(collector.Bounds[histogram][0], 0.001, 1);
        // What operators ask for, once there was a job and an answer by what it came to.
        Assert.Superset(new HashSet<string>
        {
            "finetune.queue.depth queued", "finetune.training.tokens talers-2m", "finetune.training.loss talers-2m", "finetune.device.memory models", "finetune.device.memory adapters", "finetune.device.memory caches",
            "finetune.device.utilisation", "finetune.answers.waited_for", "finetune.draining", "finetune.jobs succeeded", "finetune.adapter.loads", "dotnet.process.memory.working_set",
        }, collector.Values.Keys.ToHashSet());
        Assert.True(collector.Values["finetune.device.memory models"] > 0 && collector.Values["finetune.device.utilisation"] > 0);
    }

    private static async Task TrainAndAsk(ServiceProcess service)
    {
        using HttpClient admin = await service.Client(TestService.AdminKey);
        await admin.Post("/v1/tenants", new { id = "acme" });
        using HttpClient client = await service.Client((string)(await admin.Post("/v1/api_keys", new { tenant = "acme" }))["key"]!);
        const string row = """{"messages":[{"role":"user","content":"Greet Ada."},{"role":"assistant","content":"Good day!"}]}""";
        string file = await client.Upload(string.Join('\n', Enumerable.Repeat(row, 12)));
        var job = await client.Post("/v1/fine_tuning/jobs", new { model = TestService.BaseModel, training_file = file, training = new { max_steps = 3, batch_size = 4 } });
        JsonNode ended = await client.Ended((string)job["id"]!);
        Assert.Equal("succeeded", (string?)ended["status"]);
        await client.Post("/v1/completions", new { model = (string)ended["fine_tuned_model"]!, prompt = "Greet Ada.", max_tokens = 2 });
        await client.Post("/v1/chat/completions", new { model = TestService.BaseModel, messages = new[] { new { role = "user", content = "Greet Ada." } }, max_tokens = 8 });
    }

    private static HashSet<string> Children(OtlpReceiver collector, ReceivedSpan parent) =>
        [.. collector.Spans.Where(span => span.TraceId == parent.TraceId && span.ParentId == parent.SpanId).Select(span => span.Name)];
}
