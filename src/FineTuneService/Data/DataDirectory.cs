using FineTuneService.Engine.Formats;
using FineTuneService.Hosting;
using Microsoft.Extensions.Options;

namespace FineTuneService.Data;

/// <summary>The folder that holds everything the service keeps. One process uses it at a time.</summary>
public sealed class DataDirectory : IDisposable
{
    // What the system answers where another process holds the lock file: EWOULDBLOCK, and Windows' sharing violation.
    private const int LockHeld = 11, LockHeldOnMac = 35, LockHeldOnWindows = unchecked((int)0x80070020);

    private readonly FileStream _lock;

    public DataDirectory(IOptions<FineTuneOptions> options)
    {
        Root = Path.GetFullPath(options.Value.DataDirectory);
        try
        {
            foreach (string folder in new[] { Root, Blobs, Adapters, Jobs, Merged, Hub, Temporary }) Directory.CreateDirectory(folder);
            _lock = new FileStream(Path.Combine(Root, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            KeepFromOthers();
            // What lies here was never acknowledged: its process was killed.
            foreach (string left in Directory.EnumerateFileSystemEntries(Temporary))
            {
                Durable.Remove(left);
                Unfinished++;
            }
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw new StartException(Explain(refused));
        }
    }

    public string Root { get; }

    /// <summary>Writes that an earlier process had begun and not acknowledged, removed at this start.</summary>
    public int Unfinished { get; }

    public string Blobs => Path.Combine(Root, "blobs");
    public string Adapters => Path.Combine(Root, "adapters");

    /// <summary>A folder a job: its checkpoints.</summary>
    public string Jobs => Path.Combine(Root, "jobs");
    public string Merged => Path.Combine(Root, "merged");

    /// <summary>A folder a base that came from the hub, or is on its way.</summary>
    public string Hub => Path.Combine(Root, "hub");

    /// <summary>What is being written, and not yet part of anything.</summary>
    public string Temporary => Path.Combine(Root, "tmp");

    /// <summary>An empty folder to write into, before it is moved to where it belongs.</summary>
    public string NewTemporaryFolder() => Directory.CreateDirectory(Path.Combine(Temporary, Guid.NewGuid().ToString("n"))).FullName;

    public void Dispose() => _lock.Dispose();

    /// <summary>A folder that an earlier version, or an operator, made may be open to everybody on the machine.</summary>
    private void KeepFromOthers()
    {
        if (OperatingSystem.IsWindows()) return;
        try
        {
            File.SetUnixFileMode(Root, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        catch (UnauthorizedAccessException)
        {
            // It is another user's folder, which that user lets us write to: its mode is theirs to choose.
        }
    }

    private string Explain(Exception refused)
    {
        const string instead = "or set FineTune:DataDirectory to another folder.";
        if (refused is IOException { HResult: LockHeld or LockHeldOnMac or LockHeldOnWindows }) return $"Another FineTuneService uses {Root}; end it, {instead}";
        if (File.Exists(Root)) return $"{Root} is a file, not a folder; move it away, {instead}";
        if (StorageFaults.Of(refused) == StorageFault.Full) return $"The disk that holds {Root} is full; free some space, {instead}";
        return $"{Root} cannot be written to ({refused.Message.TrimEnd('.')}); change its owner or rights, {instead}";
    }
}
