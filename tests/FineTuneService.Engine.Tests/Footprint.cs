using System.Diagnostics;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests;

/// <summary>What this process holds, once the garbage is gone: live tensors, and resident memory in bytes.</summary>
internal readonly record struct Footprint(long Tensors, long Resident)
{
    private const long MostGrowth = 8 << 20;

    public static Footprint Take()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        using var process = Process.GetCurrentProcess();
        return new(Tensor.TotalCount, process.WorkingSet64);
    }

    /// <summary>
    /// Three readings, with equal work between them: a leak grows in both halves. What the runtime takes for itself meanwhile (compiled
    /// methods, arenas of the allocator) grows once; and tensors that earlier tests left to the collector may still go.
    /// </summary>
    public static void AssertFlat(Footprint warm, Footprint middle, Footprint end)
    {
        Assert.InRange(middle.Tensors, 0, warm.Tensors);
        Assert.InRange(end.Tensors, 0, middle.Tensors);
        long least = Math.Min(middle.Resident - warm.Resident, end.Resident - middle.Resident);
        Assert.True(least < MostGrowth, $"resident memory grew from {warm.Resident} to {middle.Resident} and {end.Resident} bytes");
    }
}
