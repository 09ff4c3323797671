using System.Text.RegularExpressions;

namespace FineTuneService.Engine.Tests;

/// <summary>The Engine's rooms lie above one another, and a room uses only those below it (docs/decisions.md, "Rooms").</summary>
public sealed partial class ArrowTests
{
    /// <summary>From the bottom up.</summary>
    private static readonly string[] Rooms =
    [
        "Compute", "Formats", "Tokenizers", "Chat", "Kernels", "Quantization", "Weights", "Lora", "Operations", "Models", "Datasets", "Generation", "Evaluation", "Training",
    ];

    [Fact]
    public void Usings_OfEveryRoom_PointDown()
    {
        string source = Path.Combine(Root(), "src", "FineTuneService.Engine");
        string[] folders = [.. Directory.GetDirectories(source).Select(Path.GetFileName).OfType<string>().Where(name => name is not ("obj" or "bin"))];
        Assert.Equal(Rooms.Order(), folders.Order());
        var up = new List<string>();
        foreach (string file in folders.SelectMany(room => Directory.GetFiles(Path.Combine(source, room), "*.cs", SearchOption.AllDirectories)))
        {
            string name = Path.GetRelativePath(source, file);
            int own = Array.IndexOf(Rooms, name[..name.IndexOf(Path.DirectorySeparatorChar)]);
            foreach (Match used in Used().Matches(File.ReadAllText(file)))
            {
                if (Array.IndexOf(Rooms, used.Groups[1].Value) > own) up.Add($"{name} uses {used.Groups[1].Value}");
            }
        }
        Assert.Empty(up.Distinct());
    }

    private static string Root()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "FineTuneService.sln"))) folder = folder.Parent;
        return folder?.FullName ?? throw new DirectoryNotFoundException("FineTuneService.sln is in no folder above the tests");
    }

    /// <summary>A using line, or a name written out in code or in a documentation's cref.</summary>
    [GeneratedRegex(@"(?:FineTuneService\.)?\bEngine\.([A-Z][a-zA-Z]+)\b")]
    private static partial Regex Used();
}
