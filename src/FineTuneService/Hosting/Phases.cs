using System.IO.MemoryMappedFiles;

namespace FineTuneService.Hosting;

/// <summary>What the service can be in the middle of, for a test that wants to end it exactly there.</summary>
internal enum Phase
{
    StartUpRepair,
    Upload,
    Validation,
    Step,
    Save,
    Merge,
}

/// <summary>
/// Counts, for a test outside of the process, how many of each phase are under way: one 32-bit number a phase, in the order of the enum, in
/// the file that <see cref="Variable"/> names. The file is mapped, so it outlives a SIGKILL and says what the process died in. Without the
/// variable nothing is counted, and nothing behaves otherwise with it.
/// </summary>
internal static class Phases
{
    public const string Variable = "FINETUNE_PHASES";

    private static readonly Lock s_gate = new();
    private static readonly int[] s_underWay = new int[Enum.GetValues<Phase>().Length];
    private static readonly MemoryMappedViewAccessor? s_file = Open(Environment.GetEnvironmentVariable(Variable));

    /// <summary>The phase lasts until what is returned is disposed.</summary>
    public static Under Enter(Phase phase)
    {
        Count(phase, 1);
        return new Under(phase);
    }

    private static void Count(Phase phase, int change)
    {
        if (s_file is null) return;
        lock (s_gate) s_file.Write((int)phase * sizeof(int), s_underWay[(int)phase] += change);
    }

    /// <summary>The file, for either side of it.</summary>
    public static MemoryMappedFile Map(string path) => MemoryMappedFile.CreateFromFile(
        new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite), null, s_underWay.Length * sizeof(int), MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, leaveOpen: false);

    private static MemoryMappedViewAccessor? Open(string? path) =>
        string.IsNullOrEmpty(path) ? null : Map(path).CreateViewAccessor();

    /// <summary>A phase that is under way, and ends once.</summary>
    public sealed class Under(Phase phase) : IDisposable
    {
        private int _ended;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _ended, 1) == 0) Count(phase, -1);
        }
    }
}
