using System.Globalization;

namespace FineTuneService.Benchmarks;

/// <summary>What the kernel says about this process's memory.</summary>
internal static class PeakMemory
{
    /// <summary>VmHWM: the most resident bytes that this process has had.</summary>
    public static long Bytes
    {
        get
        {
            string line = File.ReadLines("/proc/self/status").First(l => l.StartsWith("VmHWM:", StringComparison.Ordinal));
            return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
        }
    }
}
