using System.Text;
using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Datasets;

namespace FineTuneService.Engine.Tests.Datasets;

/// <summary>Formats as users write them, beside the reference's own files.</summary>
public class FormatTests
{
    [Theory]
    [InlineData("""{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}""", DatasetFormat.Chat)]
    [InlineData("""{"prompt": "p", "completion": "c"}""", DatasetFormat.PromptCompletion)]
    [InlineData("""{"instruction": "i", "output": "o"}""", DatasetFormat.Alpaca)]
    [InlineData("""{"instruction": "i", "context": "", "response": "r", "category": "open_qa"}""", DatasetFormat.Dolly)]
    [InlineData("""{"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}""", DatasetFormat.ShareGpt)]
    [InlineData("""{"text": "t"}""", DatasetFormat.Text)]
    [InlineData("""{"prompt": "p", "chosen": "c", "rejected": "r"}""", DatasetFormat.Preference)]
    [InlineData("""{"prompt": "p", "completion": "c", "label": true}""", DatasetFormat.Labelled)]
    [InlineData("""{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}], "label": false}""", DatasetFormat.Labelled)]
    [InlineData("""{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}], "label": "sport"}""", DatasetFormat.Chat)]
    public void Read_Row_HasItsFormat(string row, DatasetFormat format)
    {
        var dataset = Read(row);
        Assert.True(dataset.Problems.Count == 0, string.Join('\n', dataset.Problems));
        Assert.Equal(format, dataset.Format);
    }

    private const string User = """{"role": "user", "content": "q"}""", Good = """{"role": "assistant", "content": "good"}""", Bad = """{"role": "assistant", "content": "bad"}""";

    /// <summary>OpenAI's, TRL's (with the prompt inside and beside), UltraFeedback's, LLaMA-Factory's two.</summary>
    [Theory]
    [InlineData("{\"input\": {\"messages\": [USER], \"tools\": [], \"parallel_tool_calls\": true}, \"preferred_output\": [GOOD], \"non_preferred_output\": [BAD]}")]
    [InlineData("{\"prompt\": [USER], \"chosen\": [GOOD], \"rejected\": [BAD]}")]
    [InlineData("{\"chosen\": [USER, GOOD], \"rejected\": [USER, BAD]}")]
    [InlineData("{\"prompt\": \"q\", \"chosen\": [USER, GOOD], \"rejected\": [USER, BAD], \"messages\": [USER, GOOD]}")]
    [InlineData("{\"prompt\": \"q\", \"chosen\": [GOOD], \"rejected\": [BAD]}")]
    [InlineData("{\"conversations\": [{\"from\": \"human\", \"value\": \"q\"}], \"chosen\": {\"from\": \"gpt\", \"value\": \"good\"}, \"rejected\": {\"from\": \"gpt\", \"value\": \"bad\"}}")]
    [InlineData("{\"chosen_messages\": [USER, GOOD], \"rejected_messages\": [USER, BAD]}")]
    public void Read_PairOfMessages_IsOnePromptAndTwoAnswers(string row)
    {
        var dataset = Read(row.Replace("USER", User).Replace("GOOD", Good).Replace("BAD", Bad));
        Assert.True(dataset.Problems.Count == 0, string.Join('\n', dataset.Problems));
        var pair = Assert.IsType<PreferenceRow>(Assert.Single(dataset.Rows));
        foreach (var (answer, said) in ((DatasetRow, string)[])[(pair.Chosen, "good"), (pair.Rejected, "bad")])
        {
            var chat = Assert.IsType<ChatRow>(answer);
            Assert.Equal([("user", "q"), ("assistant", said)], chat.Messages.Select(message => (message.Role, message.Content)));
            Assert.Equal(1, chat.PromptMessages);
        }
    }

    [Theory]
    [InlineData("""{"prompt": "p", "chosen": "a", "rejected": "b", "instruction": "i"}""", "'instruction'")]
    [InlineData("""{"prompt": "p", "chosen": [{"role": "user", "content": "a"}], "rejected": [{"role": "user", "content": "b"}]}""", "not the assistant's")]
    [InlineData("""{"input": {}, "preferred_output": [], "non_preferred_output": [{"role": "assistant", "content": "b"}]}""", "'preferred_output' is empty")]
    [InlineData("""{"input": 5, "preferred_output": [{"role": "assistant", "content": "a"}], "non_preferred_output": [{"role": "assistant", "content": "b"}]}""", "'input' is a number")]
    [InlineData("""{"conversations": [{"from": "human", "value": "q"}, {"from": "function_call", "value": "{\"name\""}]}""", "not JSON")]
    [InlineData("""{"conversations": [{"from": "human", "value": "q"}, {"from": "function_call", "value": "[1]"}]}""", "an array")]
    [InlineData("""{"conversations": [{"from": "human", "value": 5}]}""", "'value' is a number")]
    [InlineData("""{"conversations": [{"from": "human", "value": "q"}, {"from": "observation", "value": "r"}, {"from": "gpt", "value": "a"}]}""", "answers no call")]
    [InlineData("""{"prompt": "p", "completion": "c", "label": 1}""", "'label' is a number")]
    [InlineData("""{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "\"\\ud800\""}}]}]}""", "not JSON")]
    public void Read_BadRow_SaysWhatIsWrong(string row, string message) => Assert.Contains(message, Assert.Single(Read(row).Problems).Message);

    [Fact]
    public void Read_CallsOfTheOlderApi_AreToolCalls()
    {
        const string row = """{"functions": [{"name": "f", "parameters": {}}], "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{\"x\": 1}"}}, {"role": "function", "name": "f", "content": "2"}, {"role": "assistant", "content": "2"}]}""";
        var dataset = Read(row);
        var chat = Assert.IsType<ChatRow>(Assert.Single(dataset.Rows));
        Assert.Equal("""[{"type":"function","function":{"name":"f","parameters":{}}}]""", chat.Tools!.ToJsonString());
        Assert.Equal("""[{"type":"function","function":{"name":"f","arguments":{"x":1}}}]""", chat.Messages[1].Extra!["tool_calls"]!.ToJsonString());
        Assert.Equal(("tool", "2"), (chat.Messages[2].Role, chat.Messages[2].Content));
        Assert.DoesNotContain(dataset.Warnings, warning => warning.Line == 1);
    }

    [Fact]
    public void Read_KeyThatIsThereTwiceInACallsArguments_KeepsTheLast()
    {
        const string row = """{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a", "reasoning": {"k": 1, "k": 2}, "tool_calls": [{"function": {"name": "f", "arguments": "{\"x\": 1, \"x\": 2}"}}]}]}""";
        var message = Assert.IsType<ChatRow>(Assert.Single(Read(row).Rows)).Messages[1];
        Assert.Equal("2 2", ChatTemplate.Parse("{{ messages[0].tool_calls[0].function.arguments.x }} {{ messages[0].reasoning.k }}", null, null).Render([message]));
    }

    [Fact]
    public void Encode_PreferenceOrLabelledRows_SaysWhatTrainsThem()
    {
        var tokenizer = Engine.Tokenizers.Tokenizer.Parse(Engine.Tokenizers.BpeTrainer.Train(["pair"], 300, ["<|end|>"]));
        foreach (var (row, message) in ((string, string)[])[("""{"prompt": "p", "chosen": "a", "rejected": "b"}""", "dpo"), ("""{"prompt": "p", "completion": "c", "label": true}""", "label")])
            Assert.Contains(message, Assert.Single(new RowEncoder(tokenizer, null, 64).Encode(Read(row)).Problems).Message);
    }

    [Fact]
    public void Encode_Pairs_HaveTwoAnswersBehindOnePrompt()
    {
        var tokenizer = Engine.Tokenizers.Tokenizer.Parse(Engine.Tokenizers.BpeTrainer.Train(["ask good bad"], 300, ["<|user|>", "<|assistant|>", "<|end|>"]), """{"eos_token": "<|end|>"}""");
        var template = ChatTemplate.Parse("{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>\n{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}", null, "<|end|>");
        var encoder = new RowEncoder(tokenizer, template, 64) { Pairs = true };
        foreach (var (row, prompt, behind) in ((string, string, string)[])[
            ("""{"prompt": "ask", "chosen": " good", "rejected": " bad"}""", "ask", "<|end|>"),
            ("""{"prompt": [{"role": "user", "content": "ask"}], "chosen": [{"role": "assistant", "content": " good"}], "rejected": [{"role": "assistant", "content": " bad"}]}""", "<|user|>ask<|end|>\n<|assistant|>", "<|end|>\n")])
        {
            var encoded = Assert.Single(encoder.Encode(Read(row)).Rows);
            foreach (var (answer, said) in ((TrainingRow, string)[])[(encoded, " good"), (encoded.Rejected!, " bad")])
            {
                Assert.Equal(prompt + said + behind, tokenizer.Decode(answer.Ids, skipSpecialTokens: false));
                Assert.Equal(said + behind, tokenizer.Decode([.. answer.Labels.Where(label => label >= 0)], skipSpecialTokens: false));
            }
        }
        Assert.Contains("'chosen'", Assert.Single(encoder.Encode(Read("""{"prompt": "p", "completion": "c"}""")).Problems).Message);
    }

    private static Dataset Read(string row) => Dataset.Read(new MemoryStream(Encoding.UTF8.GetBytes(row)));
}
