namespace FineTuneService.Operators;

/// <summary>Who waits for the device with jobs, in the order in which they will be served.</summary>
/// <param name="Queued">Jobs that wait, of all tenants.</param>
/// <param name="Running">The job that trains, or null.</param>
public sealed record QueueBody(string Object, int Queued, string? Running, IReadOnlyList<QueueTenant> Data);

/// <param name="Place">1 is the next.</param>
/// <param name="Share">Of the device's time that tenants had lately, 0 to 1.</param>
/// <param name="WaitSeconds">Of the job that has waited longest; absent where none waits.</param>
/// <param name="ExpectedStart">Unix seconds, by how long jobs took lately; absent where none waits, or nothing is known.</param>
public sealed record QueueTenant(string Tenant, int Place, int Queued, int Running, int Paused, int Validating, double Share, long? WaitSeconds, long? ExpectedStart);

/// <param name="Kind">Where tensors lie, as torch names it: cpu, cuda. Absent where the device's thread does not say in time.</param>
/// <param name="Holder">Who has it now; absent where it is idle.</param>
/// <param name="Utilisation">Share of the last minute in which it had work.</param>
/// <param name="Draining">No new work is taken.</param>
public sealed record DeviceBody(string Object, string? Kind, string? Holder, double Utilisation, bool Draining, DeviceMemory Memory, int Models, int Adapters);

/// <param name="Limit">Bytes that may be used (FineTune:DeviceMemory).</param>
/// <param name="Taken">Bytes that are: weights, adapters, what a job's training holds, and the caches of answers under way.</param>
/// <param name="Owners">Absent where the device's thread does not say in time.</param>
public sealed record DeviceMemory(long Limit, long Taken, IReadOnlyList<MemoryOwner>? Owners);

/// <param name="Kind">model, adapter, training, or caches.</param>
public sealed record MemoryOwner(string Kind, string Owner, long Bytes, IReadOnlyList<string> Users);

/// <param name="Id">To go on after.</param>
/// <param name="BeganAt">Unix seconds.</param>
public sealed record LeaseBody(string Id, string Object, string Holder, string? Tenant, double BeganAt, double Seconds);

/// <param name="Running">Jobs that have not yet saved their checkpoint and let go.</param>
public sealed record DrainBody(string Object, bool Draining, int Running);
