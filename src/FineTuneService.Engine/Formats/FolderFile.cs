using Microsoft.Win32.SafeHandles;

namespace FineTuneService.Engine.Formats;

/// <summary>
/// A file of a model's or an adapter's folder. It may be a link, as in Hugging Face's cache. One that is named but cannot be read is a
/// fault to be said, and never taken as absent.
/// </summary>
public static class FolderFile
{
    /// <summary>Why the file of this name cannot be read, or null where it can, or where the folder has none.</summary>
    public static string? Problem(string folder, string name)
    {
        string path = Path.Combine(folder, name);
        if (Directory.Exists(path)) return $"{name} is a folder; it must be a file";
        if (!File.Exists(path)) return null; // .NET says that a link is there wherever it leads.
        try
        {
            using FileStream file = File.OpenRead(path);
            return file.Length == 0 ? $"{name} is empty" : null;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return unreadable is IOException && new FileInfo(path).LinkTarget is { } target
                ? $"{name} is missing: it is a link to {target}, where nothing is" : $"{name} cannot be read: {unreadable.Message}";
        }
    }

    public static bool Exists(string folder, string name) => File.Exists(Path.Combine(folder, name));

    /// <summary>The length of what a link leads to, where it is one; 0 where nothing can be read.</summary>
    public static long Length(string path)
    {
        try
        {
            using SafeFileHandle file = File.OpenHandle(path);
            return RandomAccess.GetLength(file);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }
}
