using System.Collections.Concurrent;
using System.Diagnostics;
using FineTuneService.Benchmarks.Soak;
using FineTuneService.Tests.Telemetry;

namespace FineTuneService.Benchmarks.Mixed;

/// <summary>
/// Many tenants on one service, each with an adapter that answers with the tenant's own mark: chats, streams, lists, uploads, batches and jobs
/// at once. No answer of another's, no job that is lost, 429 and 503 with retry-after alone, and memory that does not grow.
/// </summary>
internal static class MixedRun
{
    private const double MostGrowth = 1.1;

    /// <summary>Marks of three digits: none is part of another.</summary>
    private const int FirstMark = 100;

    private static readonly TimeSpan Sample = TimeSpan.FromSeconds(1), LongestJob = TimeSpan.FromMinutes(1);

    /// <summary>So long a run must be to tell growth from a start.</summary>
    private static readonly TimeSpan Tells = TimeSpan.FromMinutes(2);

    /// <returns>0 if every promise holds.</returns>
    public static async Task<int> Run(int count, double minutes, int seed)
    {
        string data = Directory.CreateTempSubdirectory("finetune-mixed-").FullName;
        var findings = new Findings();
        try
        {
            await using var collector = new OtlpReceiver();
            await collector.Start();
            using var service = new ServiceUnderTest(data, ServiceUnderTest.LogOf("mixed"),
                ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Address), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"), ("OTEL_METRIC_EXPORT_INTERVAL", "2000"));
            await service.Ready();
            List<Tenant> tenants = await Prepare(service, findings, count);
            return await Load(service, collector, tenants, findings, TimeSpan.FromMinutes(minutes), seed) ? 0 : 1;
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    /// <summary>All first jobs wait in the queue at once.</summary>
    private static async Task<List<Tenant>> Prepare(ServiceUnderTest service, Findings findings, int count)
    {
        using var admin = new Caller(service.Address, service.AdminKey, "admin", findings);
        var tenants = new List<Tenant>();
        for (int i = 0; i < count; i++)
        {
            string id = $"tenant-{i}";
            await admin.Post("/v1/tenants", new { id, name = id });
            string key = (await admin.Post("/v1/api_keys", new { tenant = id, name = "mixed" })).Text("key");
            tenants.Add(new Tenant(new Caller(service.Address, key, id, findings), findings, FirstMark + i));
        }
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(tenants.Select(tenant => tenant.Prepare()));
        Console.WriteLine($"{count} adapters trained, queued at once, in {clock.Elapsed.TotalSeconds:0} s; the load begins");
        return tenants;
    }

    private static async Task<bool> Load(ServiceUnderTest service, OtlpReceiver collector, List<Tenant> tenants, Findings findings, TimeSpan length, int seed)
    {
        var done = new ConcurrentDictionary<string, int>();
        var memory = new MemoryCourse(service, collector);
        using var stop = new CancellationTokenSource(length);
        var clock = Stopwatch.StartNew();
        Task watching = memory.Watch(Sample, stop.Token);
        await Task.WhenAll(tenants.Select((tenant, i) => Task.Run(() => new MixedTenant(tenant, tenants, findings, new Random(seed * 1000 + i)).Loop(action => done.AddOrUpdate(action, 1, (_, n) => n + 1), stop.Token))));
        await watching;
        if (service.HasExited) findings.Fault("the service ended");
        TimeSpan loaded = clock.Elapsed;
        int jobs = await Ended(tenants, findings);
        Console.WriteLine($"{tenants.Count} tenants for {loaded.TotalSeconds:0} s: {string.Join(", ", done.OrderByDescending(pair => pair.Value).Select(pair => $"{pair.Value} × {pair.Key}"))}");
        Console.WriteLine("statuses: " + string.Join(", ", findings.Statuses.OrderBy(pair => pair.Key).Select(pair => $"{pair.Key} × {pair.Value}")));
        foreach (string fault in findings.Faults.Take(40)) Console.WriteLine("fault: " + fault);
        Console.WriteLine($"the service's log: {service.LogFile}");
        bool holds = memory.IsFlat(length >= Tells ? MostGrowth : null);
        holds &= Limits.Holds($"no wrong-tenant answer among {findings.AnswersCompared}", findings.WrongTenantAnswers == 0 && findings.AnswersCompared > 0);
        holds &= Limits.Holds($"no lost job among {jobs}; {findings.JobsCompared} compared with the bytes of the tenant's first", findings.Faults.Count == 0);
        holds &= Limits.Holds("429 and 503 with retry-after alone, no other 5xx, nothing unexpected", findings.Faults.Count == 0);
        return holds;
    }

    /// <summary>Every job that was acknowledged is there, and comes to its end.</summary>
    private static async Task<int> Ended(List<Tenant> tenants, Findings findings)
    {
        var clock = Stopwatch.StartNew();
        int jobs = 0;
        TimeSpan longest = tenants.Sum(tenant => tenant.Jobs.Count) * LongestJob; // One after the other, on a machine that may do other work.
        foreach ((Tenant tenant, string id) in tenants.SelectMany(tenant => tenant.Jobs.Select(id => (tenant, id))))
        {
            jobs++;
            for (Reply job = await tenant.Caller.Get($"/v1/fine_tuning/jobs/{id}"); ; job = await tenant.Caller.Get($"/v1/fine_tuning/jobs/{id}"))
            {
                string status = job.Succeeded ? job.Text("status") : job.Status.ToString(System.Globalization.CultureInfo.InvariantCulture);
                if (status == "succeeded") break;
                if (status is "failed" or "cancelled" or "404" || clock.Elapsed > longest)
                {
                    findings.Fault($"{tenant.Caller.Name}: job {id} was acknowledged, and is {status}");
                    break;
                }
                await Task.Delay(200);
            }
        }
        return jobs;
    }
}
