using System.Diagnostics;
using System.Runtime;
using static TorchSharp.torch;

namespace FineTuneService.Tests;

/// <summary>What this process holds, once the garbage is gone: live tensors, and resident memory in bytes.</summary>
internal readonly record struct Footprint(long Tensors, long Resident)
{
    private const int Readings = 5;

    /// <summary>The compiler begins 100 ms after the last method that it met for the first time.</summary>
    private const int QuietMilliseconds = 500;

    /// <summary>
    /// The smallest of a few readings, as threads that end a moment later hold memory for that moment; once the compiler is through
    /// with the methods that it has counted as hot, as their code is memory too.
    /// </summary>
    public static async Task<Footprint> Take()
    {
        await CompilerQuiet();
        var least = new Footprint(long.MaxValue, long.MaxValue);
        for (int i = 0; i < Readings; i++)
        {
            GCSettings.LargeObjectHeapCompactionMode = GCLargeObjectHeapCompactionMode.CompactOnce;
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
            using var process = Process.GetCurrentProcess();
            least = new(Math.Min(least.Tensors, Tensor.TotalCount), Math.Min(least.Resident, process.WorkingSet64));
            await Task.Delay(50);
        }
        return least;
    }

    private static async Task CompilerQuiet()
    {
        for (long compiled = -1; compiled != JitInfo.GetCompiledMethodCount(); await Task.Delay(QuietMilliseconds)) compiled = JitInfo.GetCompiledMethodCount();
    }
}
