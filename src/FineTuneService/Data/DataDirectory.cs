using FineTuneService.Hosting;
using Microsoft.Extensions.Options;

namespace FineTuneService.Data;

/// <summary>The folder that holds everything the service keeps. One process uses it at a time.</summary>
public sealed class DataDirectory : IDisposable
{
    private readonly FileStream _lock;

    public DataDirectory(IOptions<FineTuneOptions> options)
    {
        Root = Path.GetFullPath(options.Value.DataDirectory);
        foreach (string folder in new[] { Root, Blobs, Adapters, Jobs, Merged, Temporary }) Directory.CreateDirectory(folder);
        try
        {
            _lock = new FileStream(Path.Combine(Root, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            throw new InvalidOperationException($"Another FineTuneService uses {Root}; end it, or set FineTune:DataDirectory to another folder.");
        }
        // What lies here was never acknowledged: its process was killed.
        foreach (string left in Directory.EnumerateFileSystemEntries(Temporary)) Remove(left);
    }

    public string Root { get; }
    public string Blobs => Path.Combine(Root, "blobs");
    public string Adapters => Path.Combine(Root, "adapters");

    /// <summary>A folder a job: its checkpoints.</summary>
    public string Jobs => Path.Combine(Root, "jobs");
    public string Merged => Path.Combine(Root, "merged");

    /// <summary>What is being written, and not yet part of anything.</summary>
    public string Temporary => Path.Combine(Root, "tmp");

    /// <summary>An empty folder to write into, before it is moved to where it belongs.</summary>
    public string NewTemporaryFolder() => Directory.CreateDirectory(Path.Combine(Temporary, Guid.NewGuid().ToString("n"))).FullName;

    public static void Remove(string path)
    {
        if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
        else File.Delete(path);
    }

    public void Dispose() => _lock.Dispose();
}
