using FineTuneService.Engine.Compute;

namespace FineTuneService.Engine.Training;

/// <summary>The memory that a run may take.</summary>
/// <param name="Share">Its tensors, the base aside, are taken of it. The adapter's stay so after the trainer.</param>
public sealed record RunMemory(MemoryShare Share)
{
    /// <summary>Rows of a micro batch that fit by estimate; null: as configured.</summary>
    public int? MostRows { get; init; }

    /// <summary>Where this run was divided before: by another worker, or by a run that is done again. Empty: as its checkpoint says.</summary>
    public IReadOnlyList<MicroBatchDivision> Divisions { get; init; } = [];
}
