using FineTuneService.Hosting;
using Microsoft.Extensions.Options;

namespace FineTuneService.Data;

/// <summary>
/// The disk's last free bytes are the database's: uploads, checkpoints, adapters and merged models are refused before they take them.
/// Another program may fill the disk all the same; then a reserve file is given up, so that what frees space, a delete, can still be
/// written. It is made again once there is room.
/// </summary>
public sealed class DiskSpace(
    DataDirectory directory, IOptions<FineTuneOptions> options, ILogger<DiskSpace> log, Func<(long Free, long Total)>? probe = null)
{
    /// <summary>Twice what SQLite's write-ahead log grows to before its pages go into the database.</summary>
    private const long LargestReserve = 8 << 20;

    /// <summary>With less than this the database cannot be relied on to open and write.</summary>
    private const long NextToNothing = 1 << 20;

    private readonly Lock _lock = new();

    private string Reserve => Path.Combine(directory.Root, "reserve");

    /// <summary>Makes sure that writing so many bytes leaves what is kept for the database.</summary>
    /// <exception cref="StorageException">It would not.</exception>
    public void Require(long bytes)
    {
        (long free, long total) = Measure();
        if (free - bytes < Kept(total))
        {
            throw new StorageException(StorageFault.Full,
                $"{bytes} bytes were to be written to {directory.Root}, where {free} are free and {Kept(total)} are kept (FineTune:DiskReserveBytes)");
        }
        Restore(free, Kept(total));
    }

    /// <summary>Whether so many bytes may be written.</summary>
    public bool Takes(long bytes)
    {
        (long free, long total) = Measure();
        return free - bytes >= Kept(total);
    }

    /// <summary>Before the database is opened, which on a full disk needs the reserve.</summary>
    public void PrepareForStart()
    {
        (long free, long total) = Measure();
        if (free < NextToNothing) GiveUp();
        else Restore(free, Kept(total));
    }

    /// <summary>The database could not be written. If the disk is full, the reserve becomes free space.</summary>
    public void Relieve(Exception failure)
    {
        // A memory map that cannot grow is reported as an error of the disk, not as a full one.
        StorageFault? fault = StorageFaults.Of(failure);
        if (fault == StorageFault.Full || (fault == StorageFault.Unusable && Measure().Free < NextToNothing)) GiveUp();
    }

    private void GiveUp()
    {
        lock (_lock)
        {
            if (!File.Exists(Reserve)) return;
            File.Delete(Reserve);
            log.LogWarning("The disk of {Directory} is full: its reserve was given up so that the database can be written; free some space", directory.Root);
        }
    }

    private void Restore(long free, long kept)
    {
        if (File.Exists(Reserve)) return;
        lock (_lock)
        {
            long size = Math.Min(LargestReserve, kept);
            if (File.Exists(Reserve) || free - size < kept) return;
            string unfinished = Path.Combine(directory.Temporary, $"reserve-{Guid.NewGuid():n}");
            try
            {
                // Written out, not merely declared: a hole in a file reserves nothing.
                File.WriteAllBytes(unfinished, new byte[size]);
                File.Move(unfinished, Reserve);
            }
            catch (Exception refused) when (StorageFaults.Of(refused) is not null)
            {
                File.Delete(unfinished);
            }
        }
    }

    /// <summary>On a small disk the whole option might be most of it.</summary>
    private long Kept(long total) => Math.Min(options.Value.DiskReserveBytes, total / 10);

    private (long Free, long Total) Measure()
    {
        if (probe is not null) return probe();
        try
        {
            var drive = new DriveInfo(directory.Root);
            return (drive.AvailableFreeSpace, drive.TotalSize);
        }
        catch (Exception unknown) when (unknown is IOException or UnauthorizedAccessException)
        {
            // A file system that does not say how much it has is written to until it refuses.
            return (long.MaxValue, long.MaxValue);
        }
    }
}
