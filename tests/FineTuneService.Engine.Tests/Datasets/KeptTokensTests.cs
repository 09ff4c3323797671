using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Engine.Tests.Datasets;

public class KeptTokensTests
{
    public static TheoryData<string> Tokenizers() => Shared.Entries("tokenizers", "*");

    /// <summary>Long texts of every kind, without blanks too: what is kept has the tokens that it has in the whole.</summary>
    [Theory, MemberData(nameof(Tokenizers))]
    public void Encode_LongText_HasTheTokensOfTheWhole(string name)
    {
        Assert.SkipUnless(File.Exists(Shared.Path("tokenizers", name, "tokenizer.json")), "no tokenizer of its own");
        var tokenizer = Tokenizer.Load(Shared.Path("tokenizers", name));
        foreach (string file in Directory.GetFiles(Shared.Path("golden", "tokenizers", "long")))
        {
            string text = File.ReadAllText(file);
            text = text[..Math.Min(text.Length, 60_000)];
            int[] whole = tokenizer.Encode(text, addSpecialTokens: true), plain = [.. tokenizer.Encode(text)];
            foreach (int wanted in (int[])[1, 60, 511, 2048])
            {
                var start = new KeptTokens(tokenizer, wanted, Truncation.KeepStart);
                int[] first = start.Encode(text, addSpecialTokens: true, out int skipped);
                Assert.Equal(whole[..wanted], first[..wanted]);
                Assert.InRange(first.Length, wanted, 16 * (wanted + 64));
                Assert.Equal(plain[..wanted], start.EncodeWithOffsets(text, out _).Ids.Take(wanted));
                Assert.Equal(0, skipped);

                var end = new KeptTokens(tokenizer, wanted, Truncation.KeepEnd);
                int[] last = end.Encode(text, addSpecialTokens: true, out skipped);
                Assert.Equal(whole[^wanted..], last[^wanted..]);
                Assert.InRange(last.Length, wanted, 16 * (wanted + 64));
                Assert.Equal(plain[^wanted..], end.EncodeWithOffsets(text, out _).Ids.TakeLast(wanted));
                if (wanted < 600) Assert.True(skipped > 0, file);
            }
        }
    }

    [Fact]
    public void Encode_ShortText_IsTheWhole()
    {
        var tokenizer = Tokenizer.Parse(BpeTrainer.Train(["the quick brown fox"], 300, ["<|end|>"]));
        Assert.Equal(tokenizer.Encode("the quick fox"), new KeptTokens(tokenizer, 2, Truncation.KeepEnd).Encode("the quick fox", addSpecialTokens: false, out _));
    }

    /// <summary>A long row keeps its end as if all of it had been encoded, with the labels that it then has.</summary>
    [Fact]
    public void Encode_LongRow_KeepsTheEndThatTheWholeHas()
    {
        string words = string.Concat(Enumerable.Range(0, 20_000).Select(i => i % 7 == 0 ? " quick" : " the brown fox"));
        var tokenizer = Tokenizer.Parse(BpeTrainer.Train([words[..2000]], 300, ["<|end|>"]));
        foreach ((string prompt, string completion) in new[] { (words, " the fox"), ("the quick", words), (words, words[..9000]) })
        {
            DatasetRow[] rows = [new CompletionRow(1, prompt, completion)];
            TrainingRow whole = new RowEncoder(tokenizer, null, int.MaxValue).Encode(rows).Rows[0];
            TrainingRow kept = new RowEncoder(tokenizer, null, 700, truncation: Truncation.KeepEnd).Encode(rows).Rows[0];
            Assert.Equal(whole.Ids[^700..], kept.Ids);
            Assert.Equal(whole.Labels[^700..], kept.Labels);
        }
    }
}
