using System.Diagnostics.Metrics;
using FineTuneService.Completions;
using FineTuneService.Data;
using FineTuneService.Device;
using FineTuneService.FineTuningJobs;
using FineTuneService.Hosting;

namespace FineTuneService.Operators;

/// <summary>What is measured when it is asked for: the queue, the device's use and its memory. They go with this service, and not with the process.</summary>
internal sealed class OperatorMetrics(IServiceScopeFactory scopes, DeviceLease lease, ResidentModels resident, Answering answering, Drain drain) : IHostedService, IDisposable
{
    private readonly Meter _meter = new(Telemetry.Name);

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _meter.CreateObservableGauge("finetune.queue.depth", Queue, "{job}", "Jobs that have not ended, by status");
        _meter.CreateObservableGauge("finetune.answers.waited_for", () => answering.Live, "{answer}", "Answers that wait for the device or are being written");
        _meter.CreateObservableGauge("finetune.device.utilisation", () => lease.Log.Utilisation, "1", "Share of the last minute in which the device had work");
        _meter.CreateObservableGauge("finetune.device.memory", Memory, "By", "Bytes of the device's memory, by owner");
        _meter.CreateObservableGauge("finetune.draining", () => drain.IsOn ? 1 : 0, "1", "Whether no new work is taken");
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        _meter.Dispose();
        return Task.CompletedTask;
    }

    public void Dispose() => _meter.Dispose();

    private List<System.Diagnostics.Metrics.Measurement<int>> Queue()
    {
        using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
        Dictionary<string, int> counts = db.Jobs.Where(job => job.Status != JobStatus.Succeeded && job.Status != JobStatus.Failed && job.Status != JobStatus.Cancelled)
            .GroupBy(job => job.Status).Select(jobs => new { Status = jobs.Key, Count = jobs.Count() }).ToDictionary(jobs => jobs.Status, jobs => jobs.Count);
        // A status that nobody has is 0, and not what it last was.
        string[] states = [JobStatus.ValidatingFiles, JobStatus.Queued, JobStatus.Running, JobStatus.Paused];
        return [.. states.Select(status => new System.Diagnostics.Metrics.Measurement<int>(counts.GetValueOrDefault(status), KeyValuePair.Create<string, object?>(Telemetry.Keys.JobStatus, status)))];
    }

    private List<System.Diagnostics.Metrics.Measurement<long>> Memory()
    {
        (long models, long adapters, long training) = resident.BytesByKind;
        return
        [
            new(models, KeyValuePair.Create<string, object?>("finetune.owner", "models")), new(adapters, KeyValuePair.Create<string, object?>("finetune.owner", "adapters")),
            new(training, KeyValuePair.Create<string, object?>("finetune.owner", "training")),
            new(Math.Max(0, resident.Bytes - models - adapters - training), KeyValuePair.Create<string, object?>("finetune.owner", "caches")),
        ];
    }
}
