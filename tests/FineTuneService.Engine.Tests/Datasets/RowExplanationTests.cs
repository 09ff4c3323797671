using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Engine.Tests.Datasets;

/// <summary>Why each token of a row carries loss, or not: over a small vocabulary that is learnt here.</summary>
public class RowExplanationTests
{
    private const string Template = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";

    private static readonly Tokenizer Tokens = Tokenizer.Parse(
        BpeTrainer.Train(Enumerable.Repeat("the quick brown fox asks and answers the lazy dog", 3), 300, ["<|user|>", "<|assistant|>", "<|end|>"]), """{"eos_token": "<|end|>"}""");

    private static readonly ChatTemplate Chat = ChatTemplate.Parse(Template, null, "<|end|>");

    [Theory]
    [InlineData("""{"messages": [{"role": "user", "content": "fox"}, {"role": "assistant", "content": "dog"}]}""", LossOn.Answers, "Prompt:<|user|>fox<|end|><|assistant|> Answer:dog End:<|end|>")]
    [InlineData("""{"messages": [{"role": "user", "content": "fox"}, {"role": "assistant", "content": "dog"}]}""", LossOn.All, "First:<|user|> Text:fox End:<|end|> Text:<|assistant|>dog End:<|end|>")]
    [InlineData("""{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "fox", "weight": 0}, {"role": "user", "content": "b"}, {"role": "assistant", "content": "dog"}]}""", LossOn.Answers,
        "Prompt:<|user|>a<|end|><|assistant|> Unweighted:fox<|end|> Prompt:<|user|>b<|end|><|assistant|> Answer:dog End:<|end|>")]
    [InlineData("""{"prompt": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "fox"}, {"role": "user", "content": "b"}], "completion": [{"role": "assistant", "content": "dog"}]}""", LossOn.Answers,
        "Prompt:<|user|>a<|end|><|assistant|> EarlierAnswer:fox<|end|> Prompt:<|user|>b<|end|><|assistant|> Answer:dog End:<|end|>")]
    [InlineData("""{"prompt": "fox", "completion": " dog"}""", LossOn.Answers, "Prompt:fox Answer: dog End:<|end|>")]
    [InlineData("""{"text": "fox dog"}""", LossOn.Answers, "First:fo Text:x dog End:<|end|>")]
    public void Explain_Row_SaysWhyOfEachToken(string json, LossOn lossOn, string expected)
    {
        var encoder = new RowEncoder(Tokens, Chat, 512) { LossOn = lossOn };
        ExplainedRow row = Explain(encoder, json);
        Assert.Equal(expected, Told(row));
        Assert.Equal(row.Row.LossLabels().Select(label => label != TrainingRow.Ignored), row.Reasons.Select(why => why is TokenReason.Answer or TokenReason.End or TokenReason.Text));
    }

    [Fact]
    public void Explain_PairThatIsCut_SaysItOfBothAsTheyAreKept()
    {
        ExplainedRow row = Explain(new RowEncoder(Tokens, Chat, 6) { Pairs = true }, """{"prompt": "fox", "chosen": " dog", "rejected": " the quick brown lazy dog answers"}""");
        Assert.Equal("Prompt:fox Answer: dog End:<|end|>", Told(row));
        Assert.Equal(6, row.Rejected!.Reasons.Count);
        Assert.DoesNotContain(TokenReason.End, row.Rejected.Reasons);
        Assert.Contains(TokenReason.Answer, row.Rejected.Reasons);
    }

    private static ExplainedRow Explain(RowEncoder encoder, string json)
    {
        ExplainedRow? explained = null;
        EncodedRows encoded = encoder.Encode(new DatasetReader(new MemoryStream(System.Text.Encoding.UTF8.GetBytes(json))).Rows(), (row, kept) => explained = encoder.Explain(row, kept));
        Assert.Empty(encoded.Problems);
        return explained!;
    }

    /// <summary>Tokens that follow each other for one reason, together.</summary>
    private static string Told(ExplainedRow row)
    {
        var told = new List<(TokenReason Why, List<int> Ids)>();
        foreach ((int id, TokenReason why) in row.Row.Ids.Zip(row.Reasons))
        {
            if (told.Count == 0 || told[^1].Why != why) told.Add((why, []));
            told[^1].Ids.Add(id);
        }
        return string.Join(' ', told.Select(part => $"{part.Why}:{Tokens.Decode([.. part.Ids], skipSpecialTokens: false)}"));
    }
}
