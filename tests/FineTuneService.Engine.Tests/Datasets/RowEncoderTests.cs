using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Engine.Tests.Datasets;

/// <summary>Rows over a small vocabulary that is learnt here, so these tests need no reference folder.</summary>
public class RowEncoderTests
{
    private const string Template =
        "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";

    private static readonly Tokenizer Tokens = Tokenizer.Parse(
        BpeTrainer.Train(Enumerable.Repeat("the quick brown fox asks and answers the lazy dog", 3), 300, ["<|user|>", "<|assistant|>", "<|end|>"]),
        """{"eos_token": "<|end|>"}""");

    private static readonly ChatTemplate Chat = ChatTemplate.Parse(Template, null, "<|end|>");

    [Fact]
    public void Encode_ChatRow_HasServingsPromptThenLearntAnswer()
    {
        ChatMessage[] question = [new("user", "the fox asks")];
        var row = Encode("""{"messages": [{"role": "user", "content": "the fox asks"}, {"role": "assistant", "content": "the dog"}]}""").Rows[0];
        var prompt = new PromptEncoder(Tokens, Chat).EncodeChat(question);
        Assert.Equal(prompt, row.Ids[..prompt.Length]);
        Assert.All(row.Labels[..prompt.Length], label => Assert.Equal(TrainingRow.Ignored, label));
        Assert.Equal("the dog<|end|>", Tokens.Decode(row.Labels[prompt.Length..], skipSpecialTokens: false));
    }

    [Theory]
    [InlineData("the fox", " answers")]
    [InlineData("the fo", "x answers")]
    [InlineData("", "the dog")]
    [InlineData("é 😀", " 😀 naïve")]
    public void Encode_CompletionRow_IsTheWholeTextAndItsEnd(string prompt, string completion)
    {
        var row = Encode($$"""{"prompt": "{{prompt}}", "completion": "{{completion}}"}""").Rows[0];
        Assert.Equal([.. Tokens.Encode(prompt + completion, addSpecialTokens: true), Tokens.EosId!.Value], row.Ids);
        var border = row.Labels.TakeWhile(label => label == TrainingRow.Ignored).Count();
        Assert.Equal(row.Ids[border..], row.Labels[border..]);
        Assert.Equal(row.Ids[..border], Tokens.Encode(prompt, addSpecialTokens: true)[..border]);
    }

    [Fact]
    public void Encode_AlpacaRow_HasThePromptThatServingMakes()
    {
        var row = Encode("""{"instruction": "the fox asks", "input": "", "output": "the dog"}""").Rows[0];
        var prompt = new PromptEncoder(Tokens, null, RowEncoder.TemplateOf(DatasetFormat.Alpaca)).EncodeChat([new("user", "the fox asks")]);
        Assert.Equal(prompt, row.Ids[..prompt.Length]);
        Assert.Equal(row.Ids[prompt.Length..], row.Labels[prompt.Length..]);
    }

    [Theory]
    [InlineData("""{"instruction": "the fox asks", "input": "", "output": " the dog"}""")]
    [InlineData("""{"messages": [{"role": "user", "content": "the fox asks"}, {"role": "assistant", "content": " the dog"}]}""")]
    public void Encode_WithAPromptTemplate_HasThePromptThatServingMakesOfIt(string rows)
    {
        var template = new PromptTemplate("own", "{instruction} of {input}: ", "{instruction}: ");
        var row = new RowEncoder(Tokens, Chat, 512, promptTemplate: template).Encode(Read(rows)).Rows[0];
        var prompt = new PromptEncoder(Tokens, Chat, template).EncodeChat([new("user", "the fox asks")]);
        Assert.Equal(prompt, row.Ids[..prompt.Length]);
        Assert.Equal(" the dog<|end|>", Tokens.Decode(row.Labels[prompt.Length..], skipSpecialTokens: false));
    }

    [Fact]
    public void Encode_ChatWithAPromptTemplate_KeepsTheLastAnswerOfWeightOnly()
    {
        var encoder = new RowEncoder(Tokens, Chat, 512, promptTemplate: PromptTemplate.Alpaca);
        var encoded = encoder.Encode(Read("""
            {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "first"}, {"role": "user", "content": "q"}, {"role": "assistant", "content": "last"}]}
            {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a", "weight": 0}]}
            {"messages": [{"role": "assistant", "content": "a"}]}
            """));
        Assert.Equal("last<|end|>", Tokens.Decode([.. Assert.Single(encoded.Rows).Labels.Where(label => label >= 0)], skipSpecialTokens: false));
        Assert.Equal(3, Assert.Single(encoded.Problems).Line);
        Assert.Equal(1, encoded.Dropped);
        Assert.Contains(encoded.Warnings, warning => warning.Line == 1 && warning.Message.Contains("only the last one counts"));
    }

    [Fact]
    public void Encode_LongRow_IsCutAndCounted()
    {
        var encoded = Encode("""{"prompt": "the", "completion": " quick brown fox answers the lazy dog"}""", maxSequenceLength: 5);
        Assert.Equal(5, encoded.Rows[0].Ids.Length);
        Assert.Equal(1, encoded.Truncated);
        Assert.Equal(5, encoded.Tokens);
        Assert.Equal(encoded.Rows[0].TrainedTokens, encoded.TrainedTokens);
        Assert.Contains(encoded.Warnings, warning => warning.Line == 1);
    }

    [Fact]
    public void Encode_RowCutBeforeItsAnswer_IsLeftOutAndReported()
    {
        var encoded = Encode("""{"prompt": "the quick brown fox asks the lazy dog", "completion": " x"}""", maxSequenceLength: 4);
        Assert.Empty(encoded.Rows);
        Assert.Equal(1, encoded.Dropped);
        Assert.Single(encoded.Problems);
    }

    [Fact]
    public void Encode_MergedBorder_IsWarnedOf() =>
        Assert.Contains(Encode("""{"prompt": "the fo", "completion": "x"}""").Warnings, warning => warning.Message.Contains("become one token"));

    [Fact]
    public void Encode_ChatWithoutChatTemplate_IsAProblemThatSaysWhatToDo()
    {
        var dataset = Read("""{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}""");
        var problem = Assert.Single(new RowEncoder(Tokens, null, 64).Encode(dataset).Problems);
        Assert.Equal(1, problem.Line);
        Assert.Contains("prompt and completion", problem.Message);
    }

    [Fact]
    public void Encode_RowThatTheTemplateRefuses_IsAProblemAtItsLine()
    {
        var strict = ChatTemplate.Parse("{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}" + Template, null, null);
        var encoded = new RowEncoder(Tokens, strict, 64).Encode(Read("""
            {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}
            {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}
            """));
        Assert.Equal(2, Assert.Single(encoded.Problems).Line);
        Assert.Single(encoded.Rows);
    }

    [Theory]
    [InlineData("{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}")]
    [InlineData("{% for m in messages %}<|{{ m.role }}|>{% generation %}{{ m.content }}{% endgeneration %}<|end|>{% endfor %}")]
    public void Encode_RowsThatLearnNoStop_WarnOnceWithWhatToDo(string template)
    {
        const string row = """{"messages": [{"role": "user", "content": "the fox"}, {"role": "assistant", "content": "the dog"}]}""";
        var encoded = new RowEncoder(Tokens, ChatTemplate.Parse(template, null, "<|end|>"), 512).Encode(Read(row + "\n" + row.Replace("fox", "lazy fox")));
        DatasetWarning warning = Assert.Single(encoded.Warnings, warning => warning.Message.Contains("will not stop by itself"));
        Assert.Equal((1, 2), (warning.Line, warning.Count));
        Assert.Contains("eos_token", warning.Message);
    }

    [Theory]
    [InlineData("""{"messages": [{"role": "user", "content": "the fox"}, {"role": "assistant", "content": "the dog"}]}""")]
    [InlineData("""{"prompt": "the fox", "completion": " asks"}""")]
    [InlineData("""{"instruction": "the fox asks", "input": "", "output": "the dog"}""")]
    public void Encode_RowsThatLearnAStop_HaveNoWarningOfIt(string row) =>
        Assert.DoesNotContain(Encode(row).Warnings, warning => warning.Message.Contains("will not stop by itself"));

    [Fact]
    public void Encode_StopThatOnlyTheModelNames_Counts()
    {
        const string row = """{"messages": [{"role": "user", "content": "the fox"}, {"role": "assistant", "content": "the dog"}]}""";
        var nameless = Tokenizer.Parse(BpeTrainer.Train(["the fox asks the dog"], 300, ["<|user|>", "<|assistant|>", "<|end|>"]));
        Assert.Contains(new RowEncoder(nameless, Chat, 512).Encode(Read(row)).Warnings, warning => warning.Message.Contains("stop by itself"));
        Assert.DoesNotContain(new RowEncoder(nameless, Chat, 512, stops: [2]).Encode(Read(row)).Warnings, warning => warning.Message.Contains("stop by itself"));
    }

    [Fact]
    public void Encode_TokenOutsideTheModelsVocabulary_IsAProblemAtItsLine()
    {
        var small = Tokens.Encode("t h")!.Max() + 1; // Letters come first in the vocabulary, words that were merged of them later.
        var rows = Read("""
            {"prompt": "t", "completion": " h"}
            {"prompt": "t", "completion": " quick brown fox answers"}
            """);
        var encoded = new RowEncoder(Tokens, Chat, 64, endOfText: Tokens.Encode("t")[0], vocabularySize: small).Encode(rows);
        var problem = Assert.Single(encoded.Problems);
        Assert.Equal(2, problem.Line);
        Assert.Contains($"is not one of the model's {small}", problem.Message);
        Assert.Single(encoded.Rows);
    }

    [Fact]
    public void Encode_TemplateThatRefusesEveryRow_IsOneProblemWithItsCount()
    {
        var refusing = ChatTemplate.Parse("{{ raise_exception('no') }}", null, null);
        var rows = Read(string.Concat(Enumerable.Range(0, 5000).Select(i =>
            $"{{\"messages\": [{{\"role\": \"user\", \"content\": \"q {i}\"}}, {{\"role\": \"assistant\", \"content\": \"a\"}}]}}\n")));
        var problems = new RowEncoder(Tokens, refusing, 64).Encode(rows).Problems;
        Assert.Equal((2, ProblemList.Most), (problems.Count, problems[0].Count));
    }

    private static EncodedRows Encode(string rows, int maxSequenceLength = 512) =>
        new RowEncoder(Tokens, Chat, maxSequenceLength).Encode(Read(rows));

    private static Dataset Read(string text) => Dataset.Read(new MemoryStream(System.Text.Encoding.UTF8.GetBytes(text)));
}
