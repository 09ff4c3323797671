using FineTuneService.Engine.Chat.Tools;

namespace FineTuneService.Engine.Tests.Chat.Tools;

/// <summary>Calls as models write them, each convention's and mixed ones; what is none stays text.</summary>
public sealed class ToolCallParserTests
{
    private static readonly ToolCallParser Parser = new(["get_weather", "stop"]);

    [Theory]
    [InlineData("<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"place\": \"Oslo\"}}\n</tool_call>", "", "get_weather {\"place\": \"Oslo\"}")]
    [InlineData("Let me see.\n<tool_call>\n{\"name\": \"stop\", \"arguments\": {}}\n</tool_call>\n<tool_call>{\"name\": \"get_weather\", \"arguments\": {\"a\": 1}}</tool_call>", "Let me see.", "stop {}|get_weather {\"a\": 1}")]
    [InlineData("<tool_call>{\"name\": \"stop\", \"arguments\": {}}", "", "stop {}")]
    [InlineData("{\"name\": \"get_weather\", \"parameters\": {\"place\": \"Oslo\"}}", "", "get_weather {\"place\": \"Oslo\"}")]
    [InlineData("{\"name\": \"stop\", \"parameters\": {}}; {\"name\": \"stop\", \"parameters\": {}}", "", "stop {}|stop {}")]
    [InlineData("<|python_tag|>{\"name\": \"stop\", \"parameters\": {}}", "", "stop {}")]
    [InlineData("[TOOL_CALLS] [{\"name\": \"get_weather\", \"arguments\": {\"a\": 1}, \"id\": \"abc\"}]", "", "get_weather {\"a\": 1}")]
    [InlineData(" [{\"name\": \"get_weather\", \"arguments\": {\"a\": 1}}, {\"name\": \"stop\", \"arguments\": {}}]", "", "get_weather {\"a\": 1}|stop {}")]
    [InlineData("{\"type\": \"function\", \"function\": {\"name\": \"stop\", \"arguments\": \"{}\"}}", "", "stop {}")]
    [InlineData("{\"name\": \"stop\"}", "", "stop {}")]
    [InlineData("{\"name\": \"other\", \"arguments\": {}}", "{\"name\": \"other\", \"arguments\": {}}", "")]
    [InlineData("{\"name\": \"stop\", \"arguments\": 5}", "{\"name\": \"stop\", \"arguments\": 5}", "")]
    [InlineData("{\"answer\": 1}", "{\"answer\": 1}", "")]
    [InlineData("{\"name\": \"stop\", ", "{\"name\": \"stop\", ", "")]
    [InlineData("A <tool_call> is a tag.", "A <tool_call> is a tag.", "")]
    [InlineData("It rains.", "It rains.", "")]
    [InlineData("", "", "")]
    public void Parse_Answer_FindsTextAndCalls(string answer, string text, string calls)
    {
        (string found, IReadOnlyList<ToolCall> made) = Parser.Parse(answer);
        Assert.Equal((text, calls), (found, string.Join('|', made.Select(call => $"{call.Name} {call.Arguments}"))));
    }

    [Theory]
    [InlineData("It rains.", 9)]
    [InlineData("It rains. <tool", 9)]
    [InlineData("It rains. <b", 12)]
    [InlineData("It rains.\n<tool_call>\n{", 9)]
    [InlineData("Yes [TOOL_", 3)]
    [InlineData("{\"a\"", 0)]
    [InlineData("  [", 0)]
    [InlineData("", 0)]
    public void TextLength_AnswerUnderWay_HoldsBackWhatMayBecomeACall(string answer, int length) => Assert.Equal(length, ToolCallParser.TextLength(answer));

    [Theory]
    [InlineData("NousResearch-Hermes-3-Llama-3.1-8B-tool_use.jinja", "tagged")]
    [InlineData("Qwen-Qwen2.5-7B-Instruct.jinja", "tagged")]
    [InlineData("meta-llama-Llama-3.1-8B-Instruct.jinja", "llama3")]
    [InlineData("mistralai-Mistral-Nemo-Instruct-2407.jinja", "mistral")]
    public void Of_TemplateOfTheField_IsItsConvention(string file, string name) =>
        Assert.Equal(name, ToolConvention.Of(File.ReadAllText(Shared.Path("chat-templates", file))).Name);

    [Fact]
    public void Begin_EachConvention_IsReadBack()
    {
        foreach (ToolConvention convention in new[] { ToolConvention.Tagged, ToolConvention.Llama3, ToolConvention.Mistral })
        {
            (string text, IReadOnlyList<ToolCall> calls) = Parser.Parse(convention.Begin("get_weather") + "{\"place\": \"Oslo\"}}" + convention.Closing);
            Assert.Equal(("", new ToolCall("get_weather", "{\"place\": \"Oslo\"}")), (text, Assert.Single(calls)));
        }
    }
}
