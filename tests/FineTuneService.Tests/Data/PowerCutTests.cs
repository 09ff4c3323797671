using System.Diagnostics;
using System.Text.Json.Nodes;
using FineTuneService.Tests.FineTuningJobs;

namespace FineTuneService.Tests.Data;

/// <summary>
/// No power is cut here. What a cut would leave follows from the order of the calls to the kernel: contents are on the disk before they get
/// their name, the name before the row that tells of it, the row before the answer.
/// </summary>
[Waits]
public sealed class PowerCutTests
{
    [Fact(Explicit = true)]
    public async Task UploadAndSave_UnderStrace_FlushThenRenameThenFlushTheFolderThenCommitThenAnswer()
    {
        if (!HasStrace()) Assert.Skip("strace is not here; apt-get install strace.");
        using var data = new DataFolder();
        string output = Path.Combine(data.Path, "strace");
        string model;
        using (var service = new ServiceProcess(data, SystemCalls.Strace(output)))
        {
            using HttpClient admin = await service.Client(TestService.AdminKey);
            await admin.Post("/v1/tenants", new { id = "acme" });
            using HttpClient client = await service.Client((string)(await admin.Post("/v1/api_keys", new { tenant = "acme" }))["key"]!);
            JsonNode job = await client.Ended(await client.Train(await client.Upload(JobCalls.Rows(10)), new { max_steps = 2, batch_size = 2 }));
            model = (string)(await client.Get("/v1/adapters"))["data"]!.AsArray().Single(adapter => (string?)adapter!["model"] == (string?)job["fine_tuned_model"])!["id"]!;
            Assert.Equal(0, await service.Terminate());
        }
        List<SystemCall> calls = SystemCalls.Read(output);

        SystemCall blob = calls.First(call => IsRename(call, Path.Combine(data.Path, "blobs", "acme")));
        InOrder(calls, Flush(calls, Source(blob), before: blob), blob, Flush(calls, Path.Combine(data.Path, "blobs", "acme"), after: blob), Flush(calls, Path.Combine(data.Path, "finetune.db-wal"), after: blob), Answer(calls, blob));

        SystemCall adapter = Assert.Single(calls, call => IsRename(call, Path.Combine(data.Path, "adapters", "acme", model)));
        foreach (string file in new[] { "adapter_model.safetensors", "adapter_config.json", "receipt.json" }) InOrder(calls, Flush(calls, Path.Combine(Source(adapter), file), before: adapter), adapter);
        InOrder(calls, Flush(calls, Source(adapter), before: adapter), adapter, Flush(calls, Path.Combine(data.Path, "adapters", "acme"), after: adapter), Flush(calls, Path.Combine(data.Path, "finetune.db-wal"), after: adapter));

        SystemCall checkpoint = calls.First(call => IsRename(call, Path.Combine(data.Path, "jobs")) && call.Arguments.EndsWith("/step-000001\"", StringComparison.Ordinal));
        foreach (string file in new[] { "trainer_state.safetensors", "trainer_state.json", "SHA256SUMS" }) InOrder(calls, Flush(calls, Path.Combine(Source(checkpoint), file), before: checkpoint), checkpoint);
        InOrder(calls, Flush(calls, Source(checkpoint), before: checkpoint), checkpoint, Flush(calls, Path.GetDirectoryName(Source(checkpoint))!, after: checkpoint));
    }

    /// <summary>Each was answered before the next began.</summary>
    private static void InOrder(List<SystemCall> calls, params SystemCall[] order)
    {
        foreach ((SystemCall first, SystemCall second) in order.Zip(order.Skip(1)))
            Assert.True(first.Ended < second.Began || first == second, $"{first} is not answered before {second} begins, among {calls.Count} calls");
    }

    private static SystemCall Flush(List<SystemCall> calls, string path, SystemCall? before = null, SystemCall? after = null) =>
        calls.LastOrDefault(call => IsFlush(call, path) && before is not null && call.Ended < before.Began) ?? calls.FirstOrDefault(call => IsFlush(call, path) && after is not null && call.Began > after.Ended)
            ?? throw new InvalidOperationException($"{path} is not flushed {(before is null ? $"after {after}" : $"before {before}")}");

    private static bool IsFlush(SystemCall call, string path) => call.Name is "fsync" or "fdatasync" && call.Arguments.EndsWith($"<{path}>", StringComparison.Ordinal);

    /// <summary>The first answer to a client that was sent after the bytes had their name.</summary>
    private static SystemCall Answer(List<SystemCall> calls, SystemCall after) => calls.First(call => call.Name is "sendto" or "sendmsg" && call.Began > after.Ended && call.Arguments.Contains("HTTP/1.1 200", StringComparison.Ordinal));

    private static bool IsRename(SystemCall call, string to) => call.Name.StartsWith("rename", StringComparison.Ordinal) && call.Arguments.Contains($", \"{to}", StringComparison.Ordinal);

    private static string Source(SystemCall rename) => rename.Arguments.Split('"')[1];

    private static bool HasStrace()
    {
        try
        {
            using Process strace = Process.Start(new ProcessStartInfo("strace", ["-V"]) { RedirectStandardOutput = true })!;
            strace.WaitForExit();
            return strace.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
