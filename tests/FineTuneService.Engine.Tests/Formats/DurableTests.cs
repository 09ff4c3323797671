using System.Text;
using FineTuneService.Engine.Formats;

namespace FineTuneService.Engine.Tests.Formats;

/// <summary>What can be seen of it without cutting the power.</summary>
public sealed class DurableTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void Write_OverAnOlderFile_ReplacesIt()
    {
        Write("first");
        Write("second");
        Assert.Equal("second", File.ReadAllText(In("file")));
        Assert.Equal([In("file")], Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void Write_ThatFails_LeavesTheOlderFileAndNothingElse()
    {
        Write("first");
        Assert.Throws<InvalidDataException>(() => Durable.Write(In("file"), file =>
        {
            file.Write("half"u8);
            throw new InvalidDataException();
        }));
        Assert.Equal("first", File.ReadAllText(In("file")));
        Assert.Equal([In("file")], Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void MoveFolder_WithFiles_HasThemUnderTheNewNameOnly()
    {
        Durable.CreateFolder(In("a/b/c"));
        File.WriteAllText(In("a/b/c/file"), "text");
        Durable.MoveFolder(In("a/b/c"), In("a/d"));
        Assert.Equal("text", File.ReadAllText(In("a/d/file")));
        Assert.Empty(Directory.GetFileSystemEntries(In("a/b")));
    }

    [Fact]
    public void CreateFolder_WhereOneIs_KeepsIt()
    {
        Durable.CreateFolder(In("a"));
        File.WriteAllText(In("a/file"), "text");
        Durable.CreateFolder(In("a"));
        Assert.True(File.Exists(In("a/file")));
    }

    [Fact]
    public void MoveFile_IntoAFolderThatIsNotThere_Throws()
    {
        Write("text");
        Assert.ThrowsAny<IOException>(() => Durable.MoveFile(In("file"), In("absent/file")));
        Assert.True(File.Exists(In("file")));
    }

    [Fact]
    public void Remove_OfWhatIsNotThere_IsWell() => Durable.Remove(In("absent"));

    [Fact]
    public async Task Remove_ByTwoAtOnce_LeavesNothingAndThrowsNothing()
    {
        for (int round = 0; round < 10; round++)
        {
            Directory.CreateDirectory(In("a/b"));
            for (int i = 0; i < 200; i++) File.WriteAllText(In($"a/b/{i}"), "");
            await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => Durable.Remove(In("a")))));
            Assert.False(Directory.Exists(In("a")));
        }
    }

    public void Dispose() => _folder.Dispose();

    private void Write(string text) => Durable.Write(In("file"), file => file.Write(Encoding.UTF8.GetBytes(text)));

    private string In(string name) => Path.Combine(_folder.Path, name);
}
