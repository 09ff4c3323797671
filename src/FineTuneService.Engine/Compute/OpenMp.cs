using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FineTuneService.Engine.Compute;

/// <summary>How libtorch's OpenMP threads wait between parallel regions.</summary>
internal static partial class OpenMp
{
    /// <summary>
    /// What is set where the environment does not say otherwise. libgomp's threads spin for milliseconds after each
    /// parallel region, and so starve the threads that answer requests; a short spin keeps the next region's start
    /// cheap and lets go of the core soon after. docs/performance.md has the figures.
    /// </summary>
    private static readonly (string Name, string Value)[] Defaults =
    [
        ("OMP_WAIT_POLICY", "passive"),
        ("GOMP_SPINCOUNT", "2000"),
    ];

    /// <summary>
    /// Sets the defaults before anything of this assembly can load libtorch, which reads them as it loads. Through libc: .NET's own
    /// environment is a copy that native code does not see.
    /// </summary>
#pragma warning disable CA2255 // A library's initializer is right here: there is no later moment that is early enough.
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void Prepare()
    {
        if (OperatingSystem.IsWindows()) return;
        foreach ((string name, string value) in Defaults) _ = setenv(name, value, overwrite: 0);
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int setenv(string name, string value, int overwrite);
}
