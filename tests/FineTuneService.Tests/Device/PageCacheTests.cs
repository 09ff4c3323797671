using FineTuneService.Device;

namespace FineTuneService.Tests.Device;

public sealed class PageCacheTests
{
    [Fact]
    public async Task Holds_FileThatWasWrittenDroppedAndFetched_SaysSo()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Elsewhere the system is not asked.");
        using var folder = new DataFolder();
        string path = Path.Combine(folder.Path, "file");
        Assert.False(PageCache.Holds(path));
        await using (FileStream file = File.Create(path))
        {
            file.Write(new byte[300_000]);
            file.Flush(flushToDisk: true);
        }
        Assert.True(PageCache.Holds(path));
        PageCache.Drop(path); // A file system in memory keeps it.
        PageCache.Fetch(path);
        while (!PageCache.Holds(path)) await Task.Delay(5, TestContext.Current.CancellationToken);
        File.WriteAllBytes(path, []);
        Assert.False(PageCache.Holds(path));
        PageCache.Fetch(Path.Combine(folder.Path, "none"));
    }
}
