using System.Diagnostics;
using System.Globalization;

namespace FineTuneService.Benchmarks.Soak;

/// <summary>Eight tenants, honest and hostile, on one service for ten minutes, while the machine has its own faults.</summary>
internal static class SoakRun
{
    private const int Tenants = 8;
    private const double MostTokenWait = 0.5, MostJobStart = 5, MostGrowth = 1.1;

    /// <returns>0 if every promise holds.</returns>
    public static async Task<int> Run(double minutes)
    {
        string? smallDisk = MachineFaults.MountSmallDisk();
        string data = smallDisk ?? Directory.CreateTempSubdirectory("finetune-soak-").FullName;
        var findings = new Findings();
        try
        {
            using var service = new ServiceUnderTest(data, ServiceUnderTest.LogOf("soak"));
            await service.Ready();
            List<Tenant> tenants = await Prepare(service, findings);
            double start = await JobStartBesideChats(tenants, findings);
            List<long> memory = await Soak(service, tenants, findings, data, smallDisk is not null, TimeSpan.FromMinutes(minutes));
            return Report(findings, memory, start, service) ? 0 : 1;
        }
        finally
        {
            if (smallDisk is not null) MachineFaults.Unmount(smallDisk);
            else Directory.Delete(data, recursive: true);
        }
    }

    private static async Task<List<Tenant>> Prepare(ServiceUnderTest service, Findings findings)
    {
        using var admin = new Caller(service.Address, service.AdminKey, "admin", findings);
        var tenants = new List<Tenant>();
        for (int i = 0; i < Tenants; i++)
        {
            string id = $"tenant-{i}";
            await admin.Post("/v1/tenants", new { id, name = id });
            string key = (await admin.Post("/v1/api_keys", new { tenant = id, name = "soak" })).Text("key");
            tenants.Add(new Tenant(new Caller(service.Address, key, id, findings), findings, i));
        }
        var clock = Stopwatch.StartNew();
        foreach (Tenant tenant in tenants) await tenant.Prepare();
        Say($"{Tenants} adapters trained, each alone, in {clock.Elapsed.TotalSeconds:F0} s");
        return tenants;
    }

    /// <summary>Three chats are always under way: how long a job waits for its first moment.</summary>
    /// <returns>Seconds from its creation until it runs.</returns>
    private static async Task<double> JobStartBesideChats(List<Tenant> tenants, Findings findings)
    {
        using var stop = new CancellationTokenSource();
        Task[] chats = [.. Enumerable.Range(0, 3).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested) await tenants[0].Caller.Stream(Tenant.ChatBody("talers-2m", "Go on and on.", 120, true), null, null, CancellationToken.None);
        }))];
        Caller caller = tenants[1].Caller;
        byte[] rows = System.Text.Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 64).Select(i => $$"""{"prompt": "{{i}}?", "completion": "{{i}}"}""" + "\n")));
        Reply file = await caller.Upload("/v1/files", "rows.jsonl", rows, "fine-tune");
        var clock = Stopwatch.StartNew();
        Reply job = await caller.Post("/v1/fine_tuning/jobs", new { model = "talers-2m", training_file = file.Text("id"), training = new { epochs = 1 } });
        double? running = null;
        for (string status = ""; status is not ("succeeded" or "failed" or "cancelled") && clock.Elapsed < TimeSpan.FromMinutes(2); await Task.Delay(20))
        {
            status = (await caller.Get($"/v1/fine_tuning/jobs/{job.Text("id")}")).Text("status");
            if (status is "running" or "succeeded") running ??= clock.Elapsed.TotalSeconds;
        }
        await stop.CancelAsync();
        await Task.WhenAll(chats);
        if (running is null) findings.Fault("a job beside three chats did not start in two minutes");
        return running ?? double.PositiveInfinity;
    }

    /// <returns>The service's resident bytes, every five seconds.</returns>
    private static async Task<List<long>> Soak(ServiceUnderTest service, List<Tenant> tenants, Findings findings, string data, bool mayFill, TimeSpan length)
    {
        using var stop = new CancellationTokenSource(length);
        Task loads = new Loads(tenants, findings).Run(stop.Token);
        Task faults = Task.Run(async () =>
        {
            await Task.Delay(length * 0.25);
            Say("the database is locked for 40 s");
            await MachineFaults.LockDatabase(data, TimeSpan.FromSeconds(40));
            if (!mayFill) return;
            await Task.Delay(length * 0.2);
            Say("the disk is full for 20 s");
            await MachineFaults.FillDisk(data, TimeSpan.FromSeconds(20));
        });
        var memory = new List<long>();
        for (var clock = Stopwatch.StartNew(); !loads.IsCompleted && clock.Elapsed < length + TimeSpan.FromMinutes(1); await Task.Delay(5000))
        {
            if (service.HasExited)
            {
                findings.Fault("the service ended");
                await stop.CancelAsync();
                break;
            }
            memory.Add(service.ResidentBytes);
        }
        await Task.WhenAll(loads, faults);
        return memory;
    }

    private static bool Report(Findings findings, List<long> memory, double jobStart, ServiceUnderTest service)
    {
        double[] waits = [.. findings.TokenWaits.Order()];
        double p99 = waits.Length == 0 ? double.PositiveInfinity : waits[Math.Min(waits.Length - 1, waits.Length * 99 / 100)];
        const int Minute = 12; // samples
        long early = (long)Samples.Median(memory.Skip(2 * Minute).Take(Minute).DefaultIfEmpty(memory[^1]).Select(bytes => (double)bytes));
        long late = (long)Samples.Median(memory.TakeLast(Minute).Select(bytes => (double)bytes));
        Say("statuses: " + string.Join(", ", findings.Statuses.OrderBy(pair => pair.Key).Select(pair => $"{pair.Key} × {pair.Value}")));
        Say($"{findings.AnswersCompared} answers and {findings.JobsCompared} adapters compared; {waits.Length} token waits: p50 {Samples.Median(waits.DefaultIfEmpty(0)) * 1e3:F0} ms, p99 {p99 * 1e3:F0} ms, longest {waits.DefaultIfEmpty(0).Last() * 1e3:F0} ms");
        Say($"resident memory: {early >> 20} MB in the third minute, {late >> 20} MB in the last, most {memory.Max() >> 20} MB");
        foreach (string fault in findings.Faults.Take(40)) Say("fault: " + fault);
        Say($"the service's log: {service.LogFile}");
        bool holds = Limits.Holds("the service lived, no 5xx but 503 and 507, nothing unexpected", findings.Faults.Count == 0);
        holds &= Limits.Holds($"no wrong-tenant answer among {findings.AnswersCompared}", findings.WrongTenantAnswers == 0 && findings.AnswersCompared > 0);
        holds &= Limits.Holds($"{findings.JobsCompared} jobs ended with the bytes of an undisturbed run", findings.JobsCompared > 0);
        holds &= Limits.Holds($"a token at least every {MostTokenWait} s (p99): {p99:F3} s", p99 <= MostTokenWait);
        holds &= Limits.Holds($"a job beside three chats runs within {MostJobStart} s: {jobStart:F2} s", jobStart <= MostJobStart);
        holds &= Limits.Holds($"memory flat after two minutes: {(double)late / early:F2}×, at most {MostGrowth}×", late <= early * MostGrowth);
        return holds;
    }

    private static void Say(string what) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what}"));
}
