using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using FineTuneService.Engine.Datasets;

namespace FineTuneService.Engine.Tests.Datasets;

/// <summary>
/// The reference's broken and odd files: each is accepted, warned of or rejected as its index says, with its line.
/// </summary>
public class BadDatasetTests
{
    private static readonly string Folder = Path.Combine("golden", "data", "bad-datasets");

    public static TheoryData<string> Stored() => Names("index.json");

    public static TheoryData<string> Generated() => Names("generated.json");

    [Theory, MemberData(nameof(Stored))]
    public void Read_StoredFile_FollowsVerdict(string name)
    {
        using var file = File.OpenRead(Shared.Path(Folder, name));
        Check(Case("index.json", name), name, Dataset.Read(file, name));
    }

    [Theory, MemberData(nameof(Generated))]
    public void Read_GeneratedFile_FollowsVerdict(string name)
    {
        var @case = Case("generated.json", name);
        var bytes = Encoding.UTF8.GetBytes($"{@case["before"]}{@case["prefix"]}"
            + new StringBuilder().Insert(0, (string)@case["unit"]!, (int)@case["count"]!) + $"{@case["suffix"]}{@case["after"]}");
        Assert.Equal((string)@case["sha256"]!, Convert.ToHexStringLower(SHA256.HashData(bytes)));
        Check(@case, name, Dataset.Read(new MemoryStream(bytes), name));
    }

    private static void Check(JsonNode @case, string name, Dataset dataset)
    {
        var (verdict, line) = ((string)@case["verdict"]!, (int?)@case["line"]);
        var shown = string.Join('\n',
            [.. dataset.Problems.Take(5).Select(problem => $"{problem}"), .. dataset.Warnings.Select(warning => $"warning, {warning}")]);
        if (verdict != "reject" && dataset.Problems.FirstOrDefault(problem => problem.Feature is not null) is { } unbuilt)
            Fidelity.Skipped("data", name, unbuilt.Feature!);
        Assert.True(verdict == "reject" == dataset.Problems.Count > 0, $"{verdict}: {@case["problem"]}\n{shown}");
        if (verdict == "reject")
        {
            // A format that is not built is refused at its first row, wherever the fault is.
            var unknown = dataset.Problems[0].Feature is not null;
            Assert.True(unknown || line is null || dataset.Problems[0].Line == line, $"line {line} expected\n{shown}");
            if (@case["element"] is { } element && !unknown)
                Assert.Contains(dataset.Problems, problem => problem.Message.Contains($"item {(int)element + 1}"));
        }
        else if (verdict == "warn" && !SeenWithATokenizer.Contains(name))
        {
            var warned = dataset.Warnings.Any(warning => line is null || warning.Line == line);
            Assert.True(warned, $"a warning at line {line} expected: {@case["problem"]}\n{shown}");
        }
        else if (verdict == "accept")
        {
            Assert.True(dataset.Warnings.Count == 0, shown);
        }
        if (@case["rows"] is { } rows) Assert.Equal((int)rows, dataset.Rows.Count);
        if (@case["duplicates"] is { } duplicates)
            Assert.Equal((int)duplicates, dataset.Warnings.First(warning => warning.Message.Contains("repeat")).Count);
        Fidelity.Passed("data", name, verdict);
    }

    /// <summary>Rows that are only too long: the row encoder warns of those, for it knows what is too long.</summary>
    private static readonly string[] SeenWithATokenizer =
        ["giant-line-5mb.jsonl", "giant-word.jsonl", "many-messages.jsonl", "longer-than-context.jsonl"];

    private static JsonNode Case(string index, string name) => Files(index).First(file => (string)file!["file"]! == name)!;

    private static JsonArray Files(string index) =>
        JsonNode.Parse(File.ReadAllText(Shared.Path(Folder, index)))!["files"]!.AsArray();

    private static TheoryData<string> Names(string index) =>
        Shared.Present ? [.. Files(index).Select(file => (string)file!["file"]!)] : [""];
}
