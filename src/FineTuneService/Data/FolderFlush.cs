using System.Runtime.InteropServices;

namespace FineTuneService.Data;

/// <summary>A rename is on the disk only once its folder is. .NET opens no folders, so this asks libc.</summary>
internal static partial class FolderFlush
{
    public static void Flush(string folder)
    {
        int descriptor = open(folder, 0);
        if (descriptor < 0) throw new IOException($"{folder} cannot be opened to flush it (error {Marshal.GetLastPInvokeError()}).");
        try
        {
            if (fsync(descriptor) != 0) throw new IOException($"{folder} cannot be flushed (error {Marshal.GetLastPInvokeError()}).");
        }
        finally
        {
            _ = close(descriptor);
        }
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fsync(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int descriptor);
}
