using System.Text;
using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Datasets;

namespace FineTuneService.Engine.Tests.Datasets;

/// <summary>Keys that real exports write into every row, whether there is anything to say or not.</summary>
public class OptionalKeyTests
{
    private const string User = """{"role": "user", "content": "q"}""", Answer = """{"role": "assistant", "content": "a"}""";

    public static TheoryData<string> OfARow => ["tools", "functions", "function_call", "system", "prompt", "completion", "chosen", "rejected", "label", "instruction", "conversations", "text", "id"];

    public static TheoryData<string> OfAMessage => ["tool_calls", "function_call", "name", "weight", "refusal", "audio", "annotations", "reasoning_content", "tool_call_id"];

    [Theory, MemberData(nameof(OfARow))]
    public void Read_NullOrEmptyListInARow_IsAsIfAbsent(string key)
    {
        foreach (var absent in (string[])["null", "[]"])
            AssertSame($$"""{"messages": [{{User}}, {{Answer}}], "{{key}}": {{absent}}}""", $$"""{"messages": [{{User}}, {{Answer}}]}""");
    }

    [Theory, MemberData(nameof(OfAMessage))]
    public void Read_NullOrEmptyListInAMessage_IsAsIfAbsent(string key)
    {
        foreach (var absent in (string[])["null", "[]"])
        {
            string With(string message) => message[..^1] + $", \"{key}\": {absent}}}";
            AssertSame($$"""{"messages": [{{With(User)}}, {{With(Answer)}}]}""", $$"""{"messages": [{{User}}, {{Answer}}]}""");
        }
    }

    [Theory]
    [InlineData("messages"), InlineData("chosen"), InlineData("rejected"), InlineData("label"), InlineData("tools"), InlineData("system"), InlineData("conversations")]
    public void Read_NullBesidePromptAndCompletion_IsAsIfAbsent(string key)
    {
        foreach (var absent in (string[])["null", "[]"])
            AssertSame($$"""{"{{key}}": {{absent}}, "prompt": "p", "completion": "c"}""", """{"prompt": "p", "completion": "c"}""");
    }

    [Theory]
    [InlineData("\"input\": null"), InlineData("\"system\": null"), InlineData("\"system\": \"\""), InlineData("\"history\": []"), InlineData("\"history\": null"), InlineData("\"messages\": null")]
    public void Read_EmptyKeyOfAnAlpacaRow_IsAsIfAbsent(string key) =>
        AssertSame($$"""{"instruction": "i", "output": "o", {{key}}}""", """{"instruction": "i", "output": "o"}""");

    [Theory]
    [InlineData("\"system\": \"Be kind.\"", "'system'")]
    [InlineData("\"history\": [[\"a\", \"b\"]]", "'history'")]
    public void Read_SystemOrHistoryOfAnAlpacaRow_IsRefusedByName(string key, string name)
    {
        var problem = Assert.Single(Read($$"""{"instruction": "i", "output": "o", {{key}}}""").Problems);
        Assert.Contains(name, problem.Message);
        Assert.Contains("chat messages", problem.Message);
    }

    [Theory]
    [InlineData("{\"system\": \"Be kind.\", \"messages\": [USER, ANSWER]}")]
    [InlineData("{\"system\": \"Be kind.\", \"prompt\": [USER], \"completion\": [ANSWER]}")]
    public void Read_SystemBesideMessages_IsTheFirstMessage(string row)
    {
        var messages = Assert.IsType<ChatRow>(Assert.Single(Read(Filled(row)).Rows)).Messages;
        Assert.Equal([("system", "Be kind."), ("user", "q"), ("assistant", "a")], messages.Select(message => (message.Role, message.Content)));
    }

    [Theory]
    [InlineData("{\"system\": \"Be kind.\", \"messages\": [{\"role\": \"system\", \"content\": \"s\"}, USER, ANSWER]}")]
    [InlineData("{\"system\": \"Be kind.\", \"messages\": [{\"role\": \"developer\", \"content\": \"s\"}, USER, ANSWER]}")]
    [InlineData("{\"system\": 5, \"messages\": [USER, ANSWER]}")]
    [InlineData("{\"system\": \"Be kind.\", \"prompt\": \"p\", \"completion\": \"c\"}")]
    [InlineData("{\"tools\": [{}], \"messages\": [USER, ANSWER]}")]
    [InlineData("{\"tools\": [{}], \"prompt\": [USER], \"completion\": [ANSWER]}")]
    [InlineData("{\"messages\": [USER, {\"role\": \"assistant\", \"content\": \"\", \"function_call\": {\"arguments\": \"{}\"}}]}")]
    [InlineData("{\"messages\": [USER, {\"role\": \"assistant\", \"content\": \"\", \"refusal\": \"No.\"}]}")]
    [InlineData("{\"messages\": [{\"role\": \"user\", \"content\": \"q\", \"name\": 5}, ANSWER]}")]
    [InlineData("{\"messages\": null}")]
    [InlineData("{\"messages\": []}")]
    public void Read_KeyThatCannotBeUsed_IsRefused(string row) => Assert.Equal(1, Assert.Single(Read(Filled(row)).Problems).Line);

    [Theory]
    [InlineData("{\"messages\": [SYSTEM, SYSTEM, USER, ANSWER]}")]
    [InlineData("{\"messages\": [SYSTEM, {\"role\": \"developer\", \"content\": \"s\"}, USER, ANSWER]}")]
    [InlineData("{\"prompt\": [SYSTEM, SYSTEM, USER], \"completion\": [ANSWER]}")]
    public void Read_SeveralSystemMessagesAtTheStart_IsWarnedOf(string row) =>
        Assert.Contains(Read(Filled(row)).Warnings, warning => warning.Line == 1 && warning.Message.Contains("more than one system message"));

    [Fact]
    public void Read_DeveloperAndName_AreTheMessagesThatServingMakes()
    {
        const string row = """{"messages": [{"role": "developer", "content": "s"}, {"role": "user", "content": "q", "name": "Ada"}, {"role": "assistant", "content": "a"}]}""";
        var trained = Assert.IsType<ChatRow>(Assert.Single(Read(row).Rows)).Messages;
        ChatMessage[] served = [ChatMessage.Of("developer", "s"), ChatMessage.Of("user", "q", "Ada")];
        var template = ChatTemplate.Parse("{% for m in messages %}<{{ m.role }}{{ m.name }}>{{ m.content }}{% endfor %}", null, null);
        Assert.Equal("<system>s<userAda>q", template.Render(served));
        Assert.Equal(template.Render(served), template.Render([.. trained.SkipLast(1)]));
    }

    private static string Filled(string row) =>
        row.Replace("USER", User).Replace("ANSWER", Answer).Replace("SYSTEM", """{"role": "system", "content": "s"}""");

    private static void AssertSame(string row, string plain)
    {
        Dataset read = Read(row), expected = Read(plain);
        Assert.True(read.Problems.Count == 0, string.Join('\n', read.Problems));
        Assert.Equal(expected.Format, read.Format);
        Assert.Equal(Shown(expected), Shown(read));
        Assert.Equal(expected.Warnings.Select(warning => warning.Message), read.Warnings.Select(warning => warning.Message));
    }

    private static string Shown(Dataset dataset) => Assert.Single(dataset.Rows) is ChatRow chat
        ? string.Join('\n', chat.Messages.Select(message => $"{message.Weight} {message.ToJson()}")) : $"{dataset.Rows[0]}";

    private static Dataset Read(string row) => Dataset.Read(new MemoryStream(Encoding.UTF8.GetBytes(row)), "rows.jsonl");
}
