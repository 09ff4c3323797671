using System.Text;
using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Datasets;

namespace FineTuneService.Engine.Tests.Datasets;

/// <summary>Files whose columns the user names, or puts into a prompt template.</summary>
public class ColumnTests
{
    private static readonly DatasetColumns Question = Of("Q: {question}\nA:");

    [Theory]
    [InlineData("rows.jsonl", "{\"question\": \"1+1?\", \"answer\": \"2\"}")]
    [InlineData("rows.csv", "question,answer\n1+1?,2\n")]
    [InlineData("rows.json", "[{\"question\": \"1+1?\", \"answer\": 2}]")]
    public void Read_ThroughATemplate_IsPromptAndAnswer(string name, string file)
    {
        var dataset = Read(file, Question, name);
        Assert.True(dataset.Problems.Count == 0, string.Join('\n', dataset.Problems));
        var row = Assert.IsType<CompletionRow>(Assert.Single(dataset.Rows));
        Assert.Equal(("Q: 1+1?\nA:", "2"), (row.Prompt, row.Completion));
    }

    [Fact]
    public void Read_RenamedColumns_AreTheFormatsOwn()
    {
        var names = new DatasetColumns(new Dictionary<string, string> { ["prompt"] = "Frage", ["completion"] = "Antwort" }, null);
        foreach (var (name, file) in ((string, string)[])[("a.jsonl", "{\"Frage\": \"q\", \"Antwort\": \"a\", \"prompt\": \"other\"}"), ("a.csv", "Antwort;Frage\na;q\n")])
            Assert.Equal(("q", "a"), Read(file, names, name).Rows.Cast<CompletionRow>().Select(row => (row.Prompt, row.Completion)).Single());
    }

    [Fact]
    public void Read_PlaceUnderAnotherName_TakesThatColumn()
    {
        var columns = Of("{instruction} of {input}:", ("input", "context"), ("completion", "reply"));
        var row = (CompletionRow)Read("""{"instruction": "sum", "context": "1, 2", "reply": "3"}""", columns).Rows[0];
        Assert.Equal(("sum of 1, 2:", "3"), (row.Prompt, row.Completion));
    }

    [Fact]
    public void Read_ValueThatLooksLikeAPlace_StaysAsItIs() =>
        Assert.Equal("Q: {answer} {{x}}\nA:", ((CompletionRow)Read("""{"question": "{answer} {{x}}", "answer": "2"}""", Question).Rows[0]).Prompt);

    [Theory]
    [InlineData("""{"answer": "2"}""", "no 'question'")]
    [InlineData("""{"question": "q"}""", "no answer")]
    [InlineData("""{"question": ["q"], "answer": "2"}""", "'question' is an array")]
    [InlineData("""{"question": "q", "answer": ""}""", "'answer' is empty")]
    [InlineData("""{"question": "q", "answer": {}}""", "'answer' is an object")]
    [InlineData("""["q"]""", "not an object")]
    public void Read_RowThatDoesNotFitTheTemplate_IsAProblem(string row, string message) =>
        Assert.Contains(message, Assert.Single(Read(row, Question).Problems).Message);

    [Fact]
    public void Read_CsvWithoutTheTemplatesColumn_NamesIt() =>
        Assert.Contains("'question'", Assert.Single(Read("frage,answer\nq,a\n", Question, "rows.csv").Problems).Message);

    [Theory]
    [InlineData("no place", "has no place")]
    [InlineData("{question} {answer}", "which is the answer")]
    public void Problem_TemplateThatCannotBeUsed_SaysWhy(string template, string message) => Assert.Contains(message, Of(template).Problem());

    [Fact]
    public void Problem_UnknownNames_AreSaid()
    {
        Assert.Contains("'promt'", new DatasetColumns(new Dictionary<string, string> { ["promt"] = "q" }, null).Problem());
        Assert.Contains("'input'", Of("{question}", ("input", "x")).Problem());
        Assert.Null(Of("{question}", ("question", "q"), ("completion", "a")).Problem());
        Assert.Null(Question.Problem());
    }

    private static DatasetColumns Of(string template, params (string, string)[] names) =>
        new(names.ToDictionary(name => name.Item1, name => name.Item2), PromptTemplate.Own(template));

    private static Dataset Read(string file, DatasetColumns columns, string name = "rows.jsonl") =>
        Dataset.Read(new MemoryStream(Encoding.UTF8.GetBytes(file)), name, columns: columns);
}
