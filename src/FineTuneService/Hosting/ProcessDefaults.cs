using System.Globalization;
using System.Runtime.InteropServices;

namespace FineTuneService.Hosting;

/// <summary>What holds for the whole process, before anything else runs in it.</summary>
internal static partial class ProcessDefaults
{
    private const uint OwnerOnly = 0x3F; // 0077 in octal: what others may not do.

    public static void Apply()
    {
        // Messages, events and logs are read by programs: they are the same whatever language the machine speaks.
        CultureInfo.CurrentCulture = CultureInfo.CurrentUICulture = CultureInfo.InvariantCulture;
        CultureInfo.DefaultThreadCurrentCulture = CultureInfo.DefaultThreadCurrentUICulture = CultureInfo.InvariantCulture;
        // Customers' data: folders become 0700 and files 0600, also those that SQLite makes.
        if (!OperatingSystem.IsWindows()) _ = umask(OwnerOnly);
    }

    /// <summary>Ends the process now: what still runs on other threads is not waited for, and libtorch's own clean-up, which would
    /// meet them, does not run.</summary>
    public static void EndNow()
    {
        if (OperatingSystem.IsWindows()) Environment.Exit(0);
        else exit(0);
    }

    [LibraryImport("libc")]
    private static partial uint umask(uint mask);

    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void exit(int code);
}
