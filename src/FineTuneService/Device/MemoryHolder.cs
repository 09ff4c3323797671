namespace FineTuneService.Device;

/// <summary>What holds a part of the device's memory.</summary>
/// <param name="Kind">model, adapter or training.</param>
/// <param name="Owner">A model's folder, an adapter's id, the job that trains.</param>
/// <param name="Users">Who uses it now: "2 × answers", "job ftjob-…".</param>
public sealed record MemoryHolder(string Kind, string Owner, long Bytes, IReadOnlyList<string> Users);
