namespace FineTuneService.Tests;

/// <summary>A data directory that outlives a killed service, and goes with the test.</summary>
internal sealed class DataFolder : IDisposable
{
    public DataFolder() => Path = Directory.CreateTempSubdirectory("finetune-process-").FullName;

    /// <summary>On a disk of the test's own.</summary>
    public DataFolder(SmallDisk disk) => Path = Directory.CreateDirectory(System.IO.Path.Combine(disk.Path, "data")).FullName;

    public string Path { get; }

    /// <summary>Files and folders of one of its folders.</summary>
    public string[] Entries(string folder)
    {
        string path = System.IO.Path.Combine(Path, folder);
        return Directory.Exists(path) ? Directory.GetFileSystemEntries(path) : [];
    }

    /// <summary>Until the folder has something, or has nothing any more; a test that waits in vain fails.</summary>
    public async Task Wait(string folder, bool filled)
    {
        using var giveUp = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (Entries(folder).Length > 0 != filled) await Task.Delay(5, giveUp.Token);
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
