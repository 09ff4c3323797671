using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using FineTuneService.Engine.Datasets;

namespace FineTuneService.Engine.Training;

/// <summary>Which run a checkpoint belongs to: another configuration or other rows would go on to other bits.</summary>
/// <param name="Rows">SHA-256 of the training rows.</param>
/// <param name="TotalSteps">Steps of the run: no checkpoint of it is later.</param>
internal sealed record CheckpointRun(TrainingConfig Config, string Rows, int TotalSteps)
{
    public static CheckpointRun Of(TrainingConfig config, IReadOnlyList<TrainingRow> rows, int totalSteps)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (TrainingRow row in rows)
        {
            Append(row);
            if (row.Rejected is not null) Append(row.Rejected);
        }
        return new CheckpointRun(config, Convert.ToHexStringLower(hash.GetHashAndReset()), totalSteps);

        void Append(TrainingRow row)
        {
            hash.AppendData(BitConverter.GetBytes(row.Ids.Length));
            hash.AppendData(MemoryMarshal.AsBytes<int>(row.Ids));
            hash.AppendData(MemoryMarshal.AsBytes<int>(row.Labels));
            if (row.Weights is not null) hash.AppendData(MemoryMarshal.AsBytes<float>(row.Weights));
            if (row.SequenceLengths.Count > 1) hash.AppendData(MemoryMarshal.AsBytes<int>(row.SequenceLengths.ToArray()));
        }
    }

    /// <summary>Fields that a later version adds have the value there that they had before.</summary>
    public bool Is(CheckpointRun other) => JsonSerializer.Serialize(this) == JsonSerializer.Serialize(other);
}

/// <summary>What a checkpoint holds beside its tensors.</summary>
internal sealed record CheckpointState(CheckpointRun Run, RunProgress Progress);
