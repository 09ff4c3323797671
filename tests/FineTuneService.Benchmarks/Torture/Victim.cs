using System.IO.MemoryMappedFiles;
using FineTuneService.Benchmarks.Soak;
using FineTuneService.Hosting;

namespace FineTuneService.Benchmarks.Torture;

/// <summary>A service whose phases are seen from outside: while it lives, and those in which it died.</summary>
internal sealed class Victim : IDisposable
{
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _phases;

    /// <param name="phases">A file of its own.</param>
    public Victim(string data, string phases, string log)
    {
        _file = Phases.Map(phases);
        _phases = _file.CreateViewAccessor();
        Service = new ServiceUnderTest(data, log, (Phases.Variable, phases));
    }

    public ServiceUnderTest Service { get; }

    /// <summary>Whether one is under way. A save interrupts the steps that it is of.</summary>
    public bool IsIn(Phase phase) => _phases.ReadInt32((int)phase * sizeof(int)) > 0 && (phase != Phase.Step || !IsIn(Phase.Save));

    /// <summary>SIGKILL; what <see cref="IsIn"/> says from then on is what it died in.</summary>
    public void Kill() => Service.Dispose();

    public void Dispose()
    {
        Kill();
        _phases.Dispose();
        _file.Dispose();
    }
}
