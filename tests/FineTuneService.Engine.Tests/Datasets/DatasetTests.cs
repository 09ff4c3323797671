using System.Text;
using FineTuneService.Engine.Datasets;

namespace FineTuneService.Engine.Tests.Datasets;

public class DatasetTests
{
    private const string Chat = """{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}""";

    [Fact]
    public void Read_SeveralBadLines_CollectsEveryProblemWithItsLine()
    {
        var dataset = Read($"{Chat}\n{{\n{Chat}\n5\n" + """{"messages": []}""");
        Assert.Equal([2, 4, 5], dataset.Problems.Select(problem => problem.Line));
        Assert.Equal(2, dataset.Rows.Count);
    }

    [Theory]
    [InlineData(30)]
    [InlineData(100)]
    [InlineData(240)]
    public void Read_ReasoningThatNestsDeeply_IsARow(int levels)
    {
        string nested = new string('[', levels) + new string(']', levels);
        var dataset = Read($$"""{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a", "reasoning": {{nested}}}]}""");
        Assert.Empty(dataset.Problems);
        Assert.Equal(nested, ((ChatRow)Assert.Single(dataset.Rows)).Messages[1].Extra!["reasoning"]!.ToJsonString());
    }

    [Fact]
    public void Read_PromptCompletion_KeepsTheTextsAndLines()
    {
        var dataset = Read("""
            {"prompt": "p", "completion": " c"}

            {"prompt": "", "completion": "d"}
            """);
        Assert.Equal(DatasetFormat.PromptCompletion, dataset.Format);
        Assert.Equal([new CompletionRow(1, "p", " c"), new CompletionRow(3, "", "d")], dataset.Rows);
    }

    [Fact]
    public void Read_AlpacaArray_GivesEachItemItsLine()
    {
        var dataset = Read("""
            [
              {"instruction": "i", "input": "x", "output": "o"},
              {"instruction": "j", "output": "p"}
            ]
            """);
        Assert.Equal(DatasetFormat.Alpaca, dataset.Format);
        Assert.Equal([new AlpacaRow(2, "i", "x", "o"), new AlpacaRow(3, "j", "", "p")], dataset.Rows);
    }

    [Fact]
    public void Read_ArrayThatBreaks_NamesTheLineAndKeepsNothingSilent()
    {
        var dataset = Read("""
            [{"instruction": "i", "output": "o"},
             {"instruction": "j", "output": }]
            """);
        Assert.Equal(2, Assert.Single(dataset.Problems).Line);
    }

    [Fact]
    public void Read_OtherKeysInAMessage_ReachTheTemplateOnlyWhereKnown()
    {
        var dataset = Read("""
            {"messages": [{"role": "user", "content": "q", "name": "Ada", "id": 7}, {"role": "assistant", "content": "a"}]}
            """);
        var message = Assert.IsType<ChatRow>(dataset.Rows[0]).Messages[0];
        Assert.Equal("""{"name":"Ada"}""", message.Extra!.ToJsonString());
        Assert.Contains(dataset.Warnings, warning => warning.Message.Contains("'id'"));
    }

    [Fact]
    public void Read_PromptAndCompletionOfMessages_LearnsOnlyTheCompletion()
    {
        var dataset = Read("""
            {"prompt": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}],
            """.Trim() + """ "completion": [{"role": "assistant", "content": "d"}]}""");
        Assert.Equal([0, 0, 0, null], Assert.IsType<ChatRow>(dataset.Rows[0]).Messages.Select(message => message.Weight));
    }

    [Fact]
    public void Read_LineAcrossReadBuffers_IsWhole()
    {
        var text = new string('é', 300_000);
        var dataset = Dataset.Read(new OneByteStream(Encoding.UTF8.GetBytes($$"""{"prompt": "{{text}}", "completion": "c"}""" + "\n")));
        Assert.Equal(text, Assert.IsType<CompletionRow>(Assert.Single(dataset.Rows)).Prompt);
    }

    [Fact]
    public void Read_MoreRowsThanWanted_ReadsNoFurther()
    {
        var dataset = Dataset.Read(new MemoryStream(Encoding.UTF8.GetBytes($"{Chat}\n{Chat}\n{Chat}\n{{broken")), mostRows: 2);
        Assert.Equal((2, 0), (dataset.Rows.Count, dataset.Problems.Count));
    }

    private static Dataset Read(string text) => Dataset.Read(new MemoryStream(Encoding.UTF8.GetBytes(text)));

    /// <summary>Gives a byte a read, as a slow network may.</summary>
    private sealed class OneByteStream(byte[] bytes) : MemoryStream(bytes)
    {
        public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Math.Min(1, count));
    }
}
