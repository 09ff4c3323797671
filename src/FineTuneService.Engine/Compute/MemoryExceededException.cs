namespace FineTuneService.Engine.Compute;

/// <summary>What a run needs exceeds its device's memory budget, although nothing can be divided any further.</summary>
/// <param name="message">A sentence without its end.</param>
/// <param name="bytes">What was asked for, beside what the run holds.</param>
public sealed class MemoryExceededException(string message, long bytes) : Exception(message)
{
    public MemoryExceededException(long bytes)
        : this($"the run needs {(bytes >> 20) + 1} MiB more than the device's memory budget has left", bytes)
    {
    }

    public long Bytes => bytes;
}
