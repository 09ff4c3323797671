using System.Text;
using System.Text.Json;
using FineTuneService.Engine.Datasets;

namespace FineTuneService.Engine.Tests.Datasets;

/// <summary>Files that are wrong as a whole: what is said of them is short, however large they are, and says what to do.</summary>
public class BadFileTests
{
    private const string Row = """{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}""";

    [Fact]
    public void Read_PrettyPrintedObjects_SaysThatTheySpanLinesAndStops()
    {
        var pretty = JsonSerializer.Serialize(JsonSerializer.Deserialize<JsonElement>(Row), new JsonSerializerOptions { WriteIndented = true });
        var dataset = Read(string.Concat(Enumerable.Repeat(pretty + "\n", 30_000)));
        Assert.True(dataset.Problems.Count == 2, string.Join('\n', dataset.Problems));
        Assert.Contains("JSONL has one object a line", dataset.Problems[0].Message);
        Assert.Equal((1, ProblemList.Most), (dataset.Problems[0].Line, dataset.Problems[0].Count));
        Assert.Contains("the rest was not read", dataset.Problems[1].Message);
        Assert.Contains($"{ProblemList.Most} problems: rows.jsonl, line 1 and {ProblemList.Most - 1} more (", dataset.Problems.Summary());
    }

    [Fact]
    public void Read_PrettyPrintedObjectAmongRows_IsOneProblemAtItsFirstLine()
    {
        var dataset = Read($"{Row}\n{{\n  \"messages\": []\n}}\n{Row}\n{{broken\n{Row}");
        Assert.Equal([2, 6], dataset.Problems.Select(problem => problem.Line));
        Assert.Contains("spans 3 lines", dataset.Problems[0].Message);
        Assert.Equal(3, dataset.Rows.Count);
    }

    [Fact]
    public void Read_ObjectThatNeverEnds_IsAProblemOfItsOwnLineOnly()
    {
        var dataset = Read($"{Row}\n{Row[..^1]}\n{Row}");
        Assert.Equal(2, Assert.Single(dataset.Problems).Line);
        Assert.Equal(2, dataset.Rows.Count);
    }

    [Theory]
    [InlineData("{\"mesages\": []}", "neither 'messages'")]
    [InlineData("{\"messages\": [{\"role\": \"human\", \"content\": \"q\"}]}", "the role 'human'")]
    [InlineData("5", "the row is a number")]
    [InlineData("{broken", "invalid JSON")]
    [InlineData("a\u0000b", "NUL bytes")]
    public void Read_EveryRowWithTheSameFault_IsOneProblemWithItsCount(string line, string message)
    {
        var dataset = Read(string.Concat(Enumerable.Repeat(line + "\n", 100_000)));
        Assert.Equal(2, dataset.Problems.Count);
        Assert.Contains(message, dataset.Problems[0].Message);
        Assert.Equal(ProblemList.Most, dataset.Problems[0].Count);
        Assert.Equal(Enumerable.Range(2, ProblemList.Most - 1), dataset.Problems[0].MoreLines);
        Assert.StartsWith($"rows.jsonl, line 1 and {ProblemList.Most - 1} more (2, 3, 4, 5, …): ", dataset.Problems[0].ToString());
        Assert.Contains("no row up to here is good", dataset.Problems[1].Message);
    }

    [Fact]
    public void Read_EveryRowWithAnotherFault_StopsAfterSomeHundred()
    {
        var dataset = Read(string.Concat(Enumerable.Range(0, 100_000).Select(i => $"{{\"messages\": [{{\"role\": \"role {i}\", \"content\": \"q\"}}]}}\n")));
        Assert.Equal(ProblemList.Most + 1, dataset.Problems.Count);
        Assert.Contains("other kinds", dataset.Problems.Summary());
    }

    [Fact]
    public void Read_ArrayOfScalars_NamesTheFirstItemAndCountsTheOthers()
    {
        var dataset = Read($"[{string.Join(",\n", Enumerable.Range(0, 500_000))}]", "numbers.json");
        Assert.StartsWith("numbers.json, line 1 and 199 more (2, 3, 4, 5, …): item 1: the row is a number", dataset.Problems[0].ToString());
        Assert.Equal(2, dataset.Problems.Count);
    }

    [Theory]
    [InlineData("prompt,completion\na,b\n")]
    [InlineData("\"prompt\",\"completion\"\n\"a\",\"b\"\n")]
    [InlineData("\"prompt\";\"completion\"\na;b\n")]
    [InlineData("prompt\tcompletion\na\tb\n")]
    public void Read_CsvNamedJsonl_SaysSoOnce(string csv)
    {
        var problem = Assert.Single(Read(csv + string.Concat(Enumerable.Repeat("x,y\n", 50_000))).Problems);
        Assert.Equal(1, problem.Line);
        Assert.Contains("name it .csv", problem.Message);
    }

    [Theory]
    [InlineData("utf-16", true)]
    [InlineData("utf-16", false)]
    [InlineData("utf-16BE", true)]
    [InlineData("utf-16BE", false)]
    [InlineData("utf-32", true)]
    public void Read_Utf16_SaysToSaveAsUtf8(string encoding, bool mark)
    {
        var text = Encoding.GetEncoding(encoding);
        byte[] bytes = [.. mark ? text.GetPreamble() : [], .. text.GetBytes(string.Concat(Enumerable.Repeat(Row + "\n", 1000)))];
        Assert.Contains("save it as UTF-8", Assert.Single(Dataset.Read(new MemoryStream(bytes), "rows.jsonl").Problems).Message);
    }

    [Fact]
    public void Read_LineOfFortyMegabytes_IsRefusedByItsLength()
    {
        var dataset = Read($"{Row}\n{{\"messages\": \"{new string('x', 40 << 20)}\"}}\n");
        var problem = Assert.Single(dataset.Problems);
        Assert.Equal(2, problem.Line);
        Assert.Contains("longer than 32 MB", problem.Message);
    }

    [Fact]
    public void Read_DeepNesting_IsRefusedOnEveryLineAndInEveryArray()
    {
        var deep = new string('[', 100_000);
        foreach (var text in (string[])[$"{Row}\n{{\"messages\": {deep}\n", $"[{{\"messages\": {deep}", $"{{\"data\": [{deep}", $"{{\n{deep}\n"])
            Assert.NotEmpty(Read(text).Problems);
    }

    [Fact]
    public void Read_LongValuesInMessages_AreClipped()
    {
        var name = new string('x', 100_000);
        var dataset = Read($"{{\"messages\": [{{\"role\": \"{name}\", \"content\": \"q\"}}]}}\n{{\"messages\": [{{\"role\": \"user\", \"content\": \"q\", \"weight\": \"{name}\"}}]}}");
        Assert.All(dataset.Problems, problem => Assert.InRange(problem.ToString().Length, 10, 300));
    }

    [Fact]
    public void Read_AnotherUnknownKeyInEachRow_EndsWithFurtherWarnings()
    {
        var dataset = Read(string.Concat(Enumerable.Range(0, 5_000).Select(i => Row[..^1] + $", \"key {i}\": 1}}\n")));
        Assert.Empty(dataset.Problems);
        Assert.InRange(dataset.Warnings.Count, 2, 60);
        Assert.Contains(dataset.Warnings, warning => warning.Message.Contains("further warnings"));
    }

    [Fact]
    public void Read_ArrayLargerThanItsBuffer_GivesEveryItemItsLine()
    {
        var text = string.Concat(Enumerable.Range(0, 20_000).Select(i => (i == 0 ? "[" : ",\n") + $"{{\"prompt\": \"p {i}\",\n \"completion\": \"{new string('c', i % 50)}d\"}}")) + "]\n";
        var rows = Read(text, "rows.json").Rows;
        Assert.Equal(Enumerable.Range(0, 20_000).Select(i => 2 * i + 1), rows.Select(row => row.Line));
    }

    [Theory]
    [InlineData("{\"data\": [\n  ROW,\n  ROW\n]}", 2, 0)]
    [InlineData("{\"data\": [ROW], \"version\": 1}", 1, 1)]
    [InlineData("[ROW]\nROW", 1, 1)]
    [InlineData("[ROW, 5, ROW]", 2, 1)]
    public void Read_WholeArray_TakesItsItemsAndNothingBehind(string text, int rows, int problems)
    {
        var dataset = Read(text.Replace("ROW", Row), "rows.json");
        Assert.Equal((rows, problems), (dataset.Rows.Count, dataset.Problems.Count));
    }

    private static Dataset Read(string text, string name = "rows.jsonl") => Dataset.Read(new MemoryStream(Encoding.UTF8.GetBytes(text)), name);
}
