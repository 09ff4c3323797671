using FineTuneService.Data;
using FineTuneService.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace FineTuneService.Tests.Data;

/// <summary>On a disk whose free space the test says.</summary>
public sealed class DiskSpaceTests : IDisposable
{
    private const long Megabyte = 1 << 20, Gigabyte = 1 << 30;
    private readonly DataFolder _data = new();
    private readonly DataDirectory _directory;
    private readonly DiskSpace _disk;
    private (long Free, long Total) _space = (Gigabyte, 100 * Gigabyte);

    public DiskSpaceTests()
    {
        IOptions<FineTuneOptions> options = Options.Create(new FineTuneOptions { DataDirectory = _data.Path, DiskReserveBytes = 64 * Megabyte });
        _directory = new DataDirectory(options);
        _disk = new DiskSpace(_directory, options, NullLogger<DiskSpace>.Instance, () => _space);
    }

    private string Reserve => Path.Combine(_data.Path, "reserve");

    [Fact]
    public void Require_AroundTheReserve_RefusesTheByteTooMany()
    {
        _disk.Require(Gigabyte - (64 * Megabyte));
        StorageException refused = Assert.Throws<StorageException>(() => _disk.Require(Gigabyte - (64 * Megabyte) + 1));
        Assert.Equal(StorageFault.Full, refused.Fault);
        Assert.Contains("FineTune:DiskReserveBytes", refused.Message);
    }

    [Fact]
    public void Require_SmallDisk_KeepsATenthOfIt()
    {
        _space = (50 * Megabyte, 100 * Megabyte);
        _disk.Require(40 * Megabyte);
        Assert.Throws<StorageException>(() => _disk.Require((40 * Megabyte) + 1));
    }

    [Fact]
    public void Reserve_IsGivenUpOnAFullDiskAndMadeAgain()
    {
        _disk.PrepareForStart();
        Assert.Equal(8 * Megabyte, new FileInfo(Reserve).Length);
        _disk.Relieve(new InvalidOperationException("something else"));
        Assert.True(File.Exists(Reserve));
        _space = (0, 100 * Gigabyte);
        _disk.Relieve(new IOException("", 28));
        Assert.False(File.Exists(Reserve));
        Assert.Throws<StorageException>(() => _disk.Require(1));
        _space = (70 * Megabyte, 100 * Gigabyte); // Too little for both.
        _disk.Require(1);
        Assert.False(File.Exists(Reserve));
        _space = (80 * Megabyte, 100 * Gigabyte);
        _disk.Require(1);
        Assert.True(File.Exists(Reserve));
        _space = (1000, 100 * Gigabyte);
        _disk.PrepareForStart();
        Assert.False(File.Exists(Reserve));
    }

    public void Dispose()
    {
        _directory.Dispose();
        _data.Dispose();
    }
}
