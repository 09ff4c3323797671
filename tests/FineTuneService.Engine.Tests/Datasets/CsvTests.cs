using System.Text;
using FineTuneService.Engine.Datasets;

namespace FineTuneService.Engine.Tests.Datasets;

public class CsvTests
{
    [Theory]
    [InlineData("prompt,completion\np,c\n", "p|c")]
    [InlineData("completion|prompt\r\nc|p\r\n", "p|c")]
    [InlineData("\uFEFF\"prompt\"\t\"completion\"\n\"p\"\t\"c\"", "p|c")]
    [InlineData("sep=;\nprompt;completion\np;c,d\n", "p|c,d")]
    [InlineData("prompt,completion\n\"a \"\"b\"\", c\",\"x\r\ny\"\n", "a \"b\", c|x\r\ny")]
    [InlineData("prompt,completion\n5\" disk,c\n", "5\" disk|c")]
    [InlineData("Prompt , COMPLETION\n p , c \n", " p | c ")]
    public void Read_PromptAndCompletion_AreTheFields(string csv, string expected)
    {
        var dataset = Read(csv);
        Assert.True(dataset.Problems.Count == 0, string.Join('\n', dataset.Problems));
        var row = Assert.IsType<CompletionRow>(Assert.Single(dataset.Rows));
        Assert.Equal(expected, $"{row.Prompt}|{row.Completion}");
    }

    [Fact]
    public void Read_AlpacaColumns_AreAlpacaRowsWithTheirLines()
    {
        var dataset = Read("instruction,input,output\ni,,o\n\"two\nlines\",x,p\nj,y,q\n");
        Assert.Equal(DatasetFormat.Alpaca, dataset.Format);
        Assert.Equal([new AlpacaRow(2, "i", "", "o"), new AlpacaRow(3, "two\nlines", "x", "p"), new AlpacaRow(5, "j", "y", "q")], dataset.Rows);
    }

    [Theory]
    [InlineData("prompt,completion\na,b\n\"c,d\ne,f\n", 3, "never closed")]
    [InlineData("prompt,completion\na,b\nc,\"d\n\ne", 3, "never closed")]
    [InlineData("prompt,completion\na,b,c\nd,e\nf,g,h\n", 2, "3 fields")]
    [InlineData("prompt,completion\na,b\nc,\xFF\n", 3, "UTF-8")]
    [InlineData("prompt,completion\na,b\nc,\n", 3, "'completion' is empty")]
    [InlineData("prompt,prompt,completion\na,b,c\n", 1, "two columns are called 'prompt'")]
    [InlineData("question,answer\na,b\n", 1, "'question,answer'")]
    [InlineData("[prompt],completion\na,b\n", 1, "neither the columns")]
    [InlineData("{prompt},completion\na,b\n", 1, "neither the columns")]
    [InlineData("instruction,output,system\ni,o,Be kind.\n", 2, "'system'")]
    [InlineData("prompt,completion\n", 0, "no rows")]
    [InlineData("{\"prompt\": \"p\", \"completion\": \"c\"}\n", 1, "holds JSON")]
    [InlineData("{\n\"prompt\": \"p\"\n", 1, "holds JSON")]
    [InlineData("[\n{\"prompt\": \"p\"}]\n", 1, "holds JSON")]
    public void Read_BadCsv_SaysWhereAndWhat(string csv, int line, string message)
    {
        var problem = Dataset.Read(new MemoryStream(Encoding.Latin1.GetBytes(csv)), "rows.csv").Problems[0];
        Assert.Equal(line, problem.Line);
        Assert.Contains(message, problem.Message);
        Assert.Equal(message == "holds JSON", problem.Message.Contains("holds JSON"));
    }

    [Fact]
    public void Read_EveryRowRagged_IsOneProblemWithItsCount()
    {
        var dataset = Read("prompt,completion\n" + string.Concat(Enumerable.Repeat("a,b,c\n", 100_000)));
        Assert.Equal((2, ProblemList.Most), (dataset.Problems.Count, dataset.Problems[0].Count));
    }

    private static Dataset Read(string csv) => Dataset.Read(new MemoryStream(Encoding.UTF8.GetBytes(csv)), "rows.csv");
}
