using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Engine.Tests.Datasets;

public class FirstTokensTests
{
    public static TheoryData<string> Tokenizers() => Shared.Entries("tokenizers", "*");

    /// <summary>Long texts of every kind, without blanks too: what is kept has the tokens that it has in the whole.</summary>
    [Theory, MemberData(nameof(Tokenizers))]
    public void Encode_LongText_BeginsAsTheWholeDoes(string name)
    {
        Assert.SkipUnless(File.Exists(Shared.Path("tokenizers", name, "tokenizer.json")), "no tokenizer of its own");
        var tokenizer = Tokenizer.Load(Shared.Path("tokenizers", name));
        foreach (string file in Directory.GetFiles(Shared.Path("golden", "tokenizers", "long")))
        {
            string text = File.ReadAllText(file);
            text = text[..Math.Min(text.Length, 60_000)];
            int[] whole = tokenizer.Encode(text, addSpecialTokens: true);
            foreach (int wanted in (int[])[1, 60, 511, 2048])
            {
                int[] first = new FirstTokens(tokenizer, wanted).Encode(text, addSpecialTokens: true);
                Assert.Equal(whole[..wanted], first[..wanted]);
                Assert.InRange(first.Length, wanted, 16 * (wanted + 64));
                Assert.Equal(tokenizer.Encode(text)[..wanted], new FirstTokens(tokenizer, wanted).EncodeWithOffsets(text).Ids.Take(wanted));
            }
        }
    }

    [Fact]
    public void Encode_ShortText_IsTheWhole()
    {
        var tokenizer = Tokenizer.Parse(BpeTrainer.Train(["the quick brown fox"], 300, ["<|end|>"]));
        Assert.Equal(tokenizer.Encode("the quick fox"), new FirstTokens(tokenizer, 2).Encode("the quick fox", addSpecialTokens: false));
    }
}
