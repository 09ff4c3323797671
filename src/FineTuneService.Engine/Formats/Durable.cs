using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace FineTuneService.Engine.Formats;

/// <summary>
/// Files and folders that a power cut does not undo: contents are on the disk before they get their name, and the name is there before
/// a call returns. A name is on the disk once its folder is; .NET opens no folders, so that asks libc.
/// </summary>
public static partial class Durable
{
    private const string Unfinished = ".partial";

    /// <summary>Writes a file under another name and renames it: whoever sees the file sees all of it. Where that fails, nothing of it stays.</summary>
    public static void Write(string path, Action<FileStream> write)
    {
        try
        {
            using (FileStream file = File.Create(path + Unfinished))
            {
                write(file);
                file.Flush(flushToDisk: true);
            }
            MoveFile(path + Unfinished, path);
        }
        catch
        {
            // On a full disk what is unfinished takes the room that it needs.
            File.Delete(path + Unfinished);
            throw;
        }
    }

    /// <summary>Renames a file whose contents are on the disk, over one of that name.</summary>
    public static void MoveFile(string from, string to)
    {
        File.Move(from, to, overwrite: true);
        FlushFolder(Parent(to));
    }

    /// <summary>Renames a folder of files, on the same disk; their contents need not be flushed yet.</summary>
    public static void MoveFolder(string from, string to)
    {
        foreach (string path in Directory.EnumerateFiles(from))
        {
            using SafeFileHandle file = File.OpenHandle(path, access: FileAccess.ReadWrite);
            RandomAccess.FlushToDisk(file);
        }
        FlushFolder(from);
        Directory.Move(from, to);
        FlushFolder(Parent(to));
    }

    /// <summary>Makes a folder, and those above it, where they are not there yet.</summary>
    public static void CreateFolder(string path)
    {
        if (Directory.Exists(path)) return;
        CreateFolder(Parent(path));
        Directory.CreateDirectory(path);
        FlushFolder(Parent(path));
    }

    /// <summary>Removes a file, or a folder with all in it; where nothing is there, or another removes the same meanwhile, all is well.</summary>
    public static void Remove(string path)
    {
        while (true)
        {
            try
            {
                if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
                else if (File.Exists(path)) File.Delete(path);
                return;
            }
            catch (Exception gone) when (gone is DirectoryNotFoundException or FileNotFoundException)
            {
                // Another was first with a part of it; the rest is still to go.
            }
        }
    }

    private static string Parent(string path) => Path.GetDirectoryName(Path.GetFullPath(path))!;

    private static void FlushFolder(string folder)
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
