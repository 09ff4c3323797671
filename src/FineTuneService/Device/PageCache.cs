using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace FineTuneService.Device;

/// <summary>Which files the system holds in the host's memory, and how it is asked to read one in before it is needed. Elsewhere than on Linux it is not asked.</summary>
internal static partial class PageCache
{
    private const int WillNeed = 3, DontNeed = 4;

    /// <summary>Whether all of the file is there: reading it waits for no disk.</summary>
    public static bool Holds(string path)
    {
        if (!OperatingSystem.IsLinux()) return false;
        try
        {
            using var file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
            using MemoryMappedViewAccessor view = file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
            SafeMemoryMappedViewHandle bytes = view.SafeMemoryMappedViewHandle;
            var pages = new byte[(bytes.ByteLength + (ulong)Environment.SystemPageSize - 1) / (ulong)Environment.SystemPageSize];
            return mincore(bytes.DangerousGetHandle(), (nuint)bytes.ByteLength, ref pages[0]) == 0 && Array.TrueForAll(pages, page => (page & 1) == 1);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return false; // Or empty, which cannot be mapped.
        }
    }

    /// <summary>Begins to read the file in, and does not wait for it.</summary>
    public static void Fetch(string path) => Advise(path, WillNeed);

    /// <summary>Lets the system forget the file.</summary>
    public static void Drop(string path) => Advise(path, DontNeed);

    private static void Advise(string path, int advice)
    {
        if (!OperatingSystem.IsLinux()) return;
        try
        {
            using SafeFileHandle file = File.OpenHandle(path);
            _ = posix_fadvise(file, 0, 0, advice);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            // Whoever loads it is told.
        }
    }

    [LibraryImport("libc")]
    private static partial int mincore(nint address, nuint length, ref byte pages);

    [LibraryImport("libc")]
    private static partial int posix_fadvise(SafeFileHandle file, long offset, long length, int advice);
}
