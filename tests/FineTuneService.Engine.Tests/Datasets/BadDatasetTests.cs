using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Datasets;

namespace FineTuneService.Engine.Tests.Datasets;

/// <summary>
/// The reference's broken and odd files: each is accepted, warned of or rejected as its index says, with its line.
/// </summary>
public class BadDatasetTests
{
    private static readonly string Folder = Path.Combine("golden", "data", "bad-datasets");
    private static readonly string StoredIndex = Path.Combine(Folder, "index.json"), GeneratedIndex = Path.Combine(Folder, "generated.json");
    private static readonly string FieldIndex = Path.Combine("field", "datasets-index.json");

    public static TheoryData<string> Stored() => Names(StoredIndex);

    public static TheoryData<string> Generated() => Names(GeneratedIndex);

    public static TheoryData<string> Field() => Names(FieldIndex);

    [Theory, MemberData(nameof(Stored))]
    public void Read_StoredFile_FollowsVerdict(string name)
    {
        using var file = File.OpenRead(Shared.Path(Folder, name));
        Check(Case(StoredIndex, name), name, Dataset.Read(file, name));
    }

    /// <summary>What users' exports held. A row of an index says which file; its verdict is followed as the golden ones' are.</summary>
    [Theory, MemberData(nameof(Field))]
    public void Read_FieldFile_FollowsVerdict(string name)
    {
        using var file = File.OpenRead(Shared.Path("field", "datasets", name));
        var dataset = Dataset.Read(file, name);
        Check(Case(FieldIndex, name), name, dataset);
        Assert.DoesNotContain(dataset.Problems, problem => problem.Message.Contains("holds JSON"));
        Assert.All(dataset.Problems, problem => Assert.StartsWith($"{name}, line ", problem.ToString()));
        Assert.All(dataset.Warnings, warning => Assert.StartsWith(name, warning.ToString()));
    }

    [Theory, MemberData(nameof(Generated))]
    public void Read_GeneratedFile_FollowsVerdict(string name)
    {
        var @case = Case(GeneratedIndex, name);
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
        else if (((string?)@case["sure"])?.Contains("whether it warns is a choice") == true)
        {
            Assert.Empty(dataset.Problems);
        }
        else if (verdict == "warn")
        {
            // Whether a row is too long is seen once it is tokens.
            var needsTokens = (string?)@case["needs"] == "tokenizer";
            var warned = dataset.Warnings.Concat(needsTokens ? Encoded(dataset).Warnings : []).Any(warning => line is null || warning.Line == line);
            Assert.True(warned, $"a warning at line {line} expected: {@case["problem"]}\n{shown}");
        }
        else if (verdict == "accept")
        {
            Assert.True(dataset.Warnings.Count == 0, shown);
        }
        if (verdict != "reject" && @case["rows"] is { } rows) Assert.Equal((int)rows, dataset.Rows.Count);
        if (@case["duplicates"] is { } duplicates)
            Assert.Equal((int)duplicates, dataset.Warnings.First(warning => warning.Message.Contains("repeat")).Count);
        Fidelity.Passed("data", name, verdict);
    }

    private static EncodedRows Encoded(Dataset dataset)
    {
        var folder = Shared.Path("tokenizers", "qwen3");
        return new RowEncoder(Engine.Tokenizers.Tokenizer.Load(folder), ChatTemplate.Load(folder), 32_768).Encode(dataset);
    }

    private static JsonNode Case(string index, string name) => Files(index).First(file => (string)file!["file"]! == name)!;

    private static JsonArray Files(string index) =>
        JsonNode.Parse(File.ReadAllText(Shared.Path(index)))!["files"]!.AsArray();

    private static TheoryData<string> Names(string index) =>
        Shared.Present ? [.. Files(index).Select(file => (string)file!["file"]!)] : [""];
}
