using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Engine.Tests.Tokenizers;

/// <summary>The number of tokens that a text's length promises is never more than it has; GoldenTokenizerTests asks this of every text too.</summary>
public class FewestTokensTests
{
    private static readonly Tokenizer Small = Tokenizer.Parse(BpeTrainer.Train(["the fox and the dog"], 300, ["<|end|>"]));

    [Fact]
    public void FewestTokens_LongText_GrowsWithIt()
    {
        string text = new('a', 25_000_000);
        Assert.InRange(Small.FewestTokens(text), 100_000, text.Length);
    }

    [Theory]
    [InlineData("the fox and the dog")]
    [InlineData("é\u0301 😀\u2029<|end|>")]
    [InlineData("")]
    public void FewestTokens_ShortText_IsNoMoreThanItsTokens(string text) => Assert.InRange(Small.FewestTokens(text), 0, Small.Encode(text).Length);

    [Theory]
    [InlineData("""{"model": {"type": "WordLevel", "vocab": {"?": 0}, "unk_token": "?"}}""")]
    [InlineData("""{"pre_tokenizer": {"type": "WhitespaceSplit"}, "model": {"type": "BPE", "vocab": {"a": 0, "?": 1}, "merges": [], "unk_token": "?"}}""")]
    [InlineData("""{"normalizer": {"type": "Replace", "pattern": {"String": "aa"}, "content": ""}, "model": {"type": "BPE", "vocab": {"a": 0, "?": 1}, "merges": [], "unk_token": "?"}}""")]
    [InlineData("""{"model": {"type": "BPE", "vocab": {"a": 0, "?": 1}, "merges": [], "unk_token": "?", "fuse_unk": true}}""")]
    [InlineData("""{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}""")]
    public void FewestTokens_RulesThatSetNoBound_IsZero(string json) => Assert.Equal(0, Tokenizer.Parse(json).FewestTokens(new string('b', 1000)));
}
