using System.Text.Json;
using FineTuneService.FineTuningJobs;
using FineTuneService.Hosting;

namespace FineTuneService.Operators;

/// <summary>Swagger UI's examples of what operators see.</summary>
internal static class OperatorExamples
{
    public static readonly QueueBody Queue = new("queue", 3, JobExamples.Created.Id, [new QueueTenant("acme", 1, 2, 1, 0, 0, 0.7, 42, 1764000400), new QueueTenant("globex", 2, 1, 0, 0, 1, 0.3, 12, 1764000520)]);
    public static readonly string QueueStream = $"data: {JsonSerializer.Serialize(Queue, Json.Options)}\n\n";

    public static readonly DeviceBody Device = new("device", "cpu", $"job {JobExamples.Created.Id}", 0.92, false,
        new DeviceMemory(12_884_901_888, 16_730_752, [new MemoryOwner("model", "talers-2m", 15_728_640, [$"job {JobExamples.Created.Id}", "2 × answers"]), new MemoryOwner("adapter", "ad-9k2d4f6h8j1l3z5x7c0v2b4n", 1_002_112, ["2 × answers"])]), 1, 1);

    public static readonly string DeviceStream = $"data: {JsonSerializer.Serialize(Device, Json.Options)}\n\n";

    private static readonly LeaseBody Lease = new("1041", "device.lease", "answers", "acme", 1764000300.25, 0.118);

    public static readonly Page<LeaseBody> Leases = new([Lease], false, Lease.Id, Lease.Id);
    public static readonly string LeaseStream = $"id: {Lease.Id}\ndata: {JsonSerializer.Serialize(Lease, Json.Options)}\n\n";
    public static readonly DrainBody Drained = new("drain", true, 1);
    public static readonly DrainBody NotDrained = new("drain", false, 0);
}
