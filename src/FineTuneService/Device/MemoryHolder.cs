namespace FineTuneService.Device;

/// <summary>What holds a part of the device's memory.</summary>
/// <param name="Kind">model or adapter.</param>
/// <param name="Owner">A model's folder, an adapter's id.</param>
/// <param name="Users">Who uses it now: "2 × answers", "job ftjob-…".</param>
public sealed record MemoryHolder(string Kind, string Owner, long Bytes, IReadOnlyList<string> Users);
