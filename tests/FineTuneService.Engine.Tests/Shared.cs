namespace FineTuneService.Engine.Tests;

/// <summary>The reference folder (golden cases, models, tokenizers): environment variable SHARED, or ../shared beside the repository.</summary>
internal static class Shared
{
    /// <summary>The folder that holds FineTuneService.sln.</summary>
    public static string Repository { get; } = FindRepository();

    public static string Folder { get; } = System.IO.Path.GetFullPath(
        Environment.GetEnvironmentVariable("SHARED") is { Length: > 0 } folder ? folder : System.IO.Path.Combine(Repository, "../shared"));

    public static bool Present { get; } = Directory.Exists(Folder);

    /// <summary>A path under the reference folder; skips the running test when the folder is absent.</summary>
    public static string Path(params string[] parts)
    {
        Assert.SkipUnless(Present, $"the reference folder {Folder} is absent");
        return System.IO.Path.Combine([Folder, .. parts]);
    }

    /// <summary>Rows of a theory: names of the entries of a folder under the reference folder, sorted; one row "" when it is absent.</summary>
    public static TheoryData<string> Entries(string relativeFolder, string pattern = "*")
    {
        var folder = System.IO.Path.Combine(Folder, relativeFolder);
        if (!Directory.Exists(folder)) return [""];
        return [.. Directory.EnumerateFileSystemEntries(folder, pattern)
            .Select(entry => System.IO.Path.GetFileName(entry)).Order(StringComparer.Ordinal)];
    }

    private static string FindRepository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(System.IO.Path.Combine(folder.FullName, "FineTuneService.sln"))) folder = folder.Parent;
        return folder?.FullName ?? throw new DirectoryNotFoundException($"FineTuneService.sln is not above {AppContext.BaseDirectory}.");
    }
}
