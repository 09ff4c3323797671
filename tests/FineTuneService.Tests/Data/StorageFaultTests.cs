using FineTuneService.Data;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Tests.Data;

public sealed class StorageFaultTests
{
    // errno of Linux, and SQLite's result codes.
    [Theory]
    [InlineData(28, "Full")]
    [InlineData(122, "Full")]
    [InlineData(5, "Unusable")]
    [InlineData(30, "Unusable")]
    [InlineData(24, "Unusable")]
    [InlineData(104, null)]
    [InlineData(32, null)]
    public void Of_IOException_TellsTheDiskFromTheConnection(int errno, string? fault)
    {
        Assert.Equal(fault, StorageFaults.Of(new IOException("", errno))?.ToString());
        Assert.Equal(fault, StorageFaults.Of(new InvalidOperationException("", new IOException("", errno)))?.ToString());
    }

    [Theory]
    [InlineData(5, "Busy")]
    [InlineData(6, "Busy")]
    [InlineData(8, "Unusable")]
    [InlineData(10, "Unusable")]
    [InlineData(11, "Damaged")]
    [InlineData(13, "Full")]
    [InlineData(14, "Unusable")]
    [InlineData(26, "Damaged")]
    [InlineData(1, null)]
    public void Of_SqliteException_TellsWhatIsWrong(int code, string? fault) =>
        Assert.Equal(fault, StorageFaults.Of(new DbUpdateException("", new SqliteException("", code)))?.ToString());

    [Fact]
    public void Of_Denied_IsUnusable() => Assert.Equal(StorageFault.Unusable, StorageFaults.Of(new UnauthorizedAccessException()));
}
