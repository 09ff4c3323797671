using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Text.Json;
using FineTuneService.Engine.Formats;
using FineTuneService.FineTuningJobs;
using FineTuneService.Hosting;
using FineTuneService.Models;

namespace FineTuneService.Receipts;

/// <summary>Makes receipts of what a job came to.</summary>
internal sealed class ReceiptWriter(ReceiptKey key, TimeProvider clock)
{
    /// <summary>A base's hash takes as long as its files take to read: once for each state of them.</summary>
    private readonly ConcurrentDictionary<(string Path, string State), string> _bases = new();

    /// <summary>The service's version and commit.</summary>
    public static ReceiptCode Code { get; } = new(typeof(ReceiptWriter).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown");

    public static ReceiptMachine Machine { get; } = new(
        RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant(), Avx512F.IsSupported ? "avx512" : Avx2.IsSupported ? "avx2" : "scalar");

    /// <summary>Writes the receipt into an adapter's finished folder, before it gets its name.</summary>
    /// <param name="settings">Of the training that it came from.</param>
    public void Write(string folder, FineTuningJob job, JobSettings settings, ModelEntry model, int step)
    {
        var receipt = new Receipt(
            Receipt.Kind, 1, job.Id, model.Id, clock.GetUtcNow().ToUnixTimeSeconds(), new ReceiptAdapter(ReceiptBytes.OfFolder(folder)), new ReceiptBase(model.Id, OfBase(model.Folder)),
            Data(job, settings), Code, Machine, JsonSerializer.SerializeToElement(settings, Json.Options), settings.Seed, step);
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(key.Sign(receipt), Json.Options);
        Durable.Write(Path.Combine(folder, Receipt.FileName), file => file.Write(json));
    }

    public static ReceiptData Data(FineTuningJob job, JobSettings settings) => new(job.TrainingSha256!, job.ValidationSha256, job.TestSha256, settings.InitFrom?.Sha256);

    /// <summary>The hash of a base as its files are now.</summary>
    public string OfBase(string path) => _bases.GetOrAdd((path, State(path)), asked => ReceiptBytes.OfModel(asked.Path));

    private static string State(string path) => string.Join('|', (File.Exists(path) ? [new FileInfo(path)] : new DirectoryInfo(path).EnumerateFiles())
        .OrderBy(file => file.Name, StringComparer.Ordinal).Select(file => $"{file.Name} {file.Length} {file.LastWriteTimeUtc.Ticks}"));
}
