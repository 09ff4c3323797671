using System.Text.Json;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Engine.Tests.Tokenizers;

public sealed class BpeTrainerTests
{
    private static readonly string[] Texts = ["low lower lowest", "new newer newest", "wide wider widest", "café 12 123"];

    [Fact]
    public void Train_RepeatedWords_LearnsTheMostFrequentPairFirst()
    {
        var merges = Merges(BpeTrainer.Train(["ab ab ab cd cd"], 300, []));
        Assert.Equal(["a", "b"], merges[0]);
    }

    [Fact]
    public void Train_EquallyFrequentPairs_TakesTheLowestIds()
    {
        var merges = Merges(BpeTrainer.Train(["xy", "xy", "ab", "ab"], 300, []));
        Assert.Equal([["a", "b"], ["x", "y"]], merges);
    }

    [Fact]
    public void Train_PairsThatOccurOnce_AreNotLearned() =>
        Assert.Empty(Merges(BpeTrainer.Train(["abcdef"], 300, [])));

    [Fact]
    public void Train_RunOfOneCharacter_JoinsFromTheLeft()
    {
        var tokenizer = Tokenizer.Parse(BpeTrainer.Train(["aaaaa aaaaa"], 257, []));
        Assert.Equal(["aa", "aa", "a"], tokenizer.EncodeWithOffsets("aaaaa").Tokens);
    }

    [Fact]
    public void Train_SameTexts_GivesTheSameFile() =>
        Assert.Equal(BpeTrainer.Train(Texts, 290, ["<s>"]), BpeTrainer.Train(Texts, 290, ["<s>"]));

    [Fact]
    public void Train_SpecialTokens_HaveTheFirstIdsAndAreFoundInText()
    {
        var tokenizer = Tokenizer.Parse(BpeTrainer.Train(Texts, 262, ["<pad>", "<|end|>"]));
        Assert.Equal(262, tokenizer.VocabularySize);
        Assert.Equal(0, tokenizer.IdOf("<pad>"));
        Assert.Equal(1, tokenizer.Encode("newest<|end|>")[^1]);
        Assert.Equal("newest", tokenizer.Decode(tokenizer.Encode("newest<|end|>")));
    }

    [Fact]
    public void Train_Digits_AreTokensOfTheirOwn()
    {
        var tokenizer = Tokenizer.Parse(BpeTrainer.Train(Enumerable.Repeat("12 12 123", 50), 300, []));
        Assert.Equal(["1", "2", "Ġ", "1", "2", "3"], tokenizer.EncodeWithOffsets("12 123").Tokens);
    }

    [Fact]
    public void Train_Pattern_NoTokenCrossesItsWords()
    {
        var tokenizer = Tokenizer.Parse(BpeTrainer.Train(Enumerable.Repeat("ab12 ab12", 50), 300, [], pattern: @"[a-z]+|\d+|\s"));
        Assert.Equal(["ab", "12", "Ġ", "ab"], tokenizer.EncodeWithOffsets("ab12 ab").Tokens);
    }

    [Theory]
    [InlineData("café 😀 \u0000\n\t 漢字")]
    [InlineData("")]
    public void Train_AnyText_ComesBackWhole(string text)
    {
        var tokenizer = Tokenizer.Parse(BpeTrainer.Train(Texts, 290, ["<s>"]));
        Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text)));
    }

    [Fact]
    public void Train_VocabularySmallerThanTheBytes_IsRefused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => BpeTrainer.Train(Texts, 256, ["<s>"]));

    private static List<string[]> Merges(string tokenizerJson)
    {
        using var document = JsonDocument.Parse(tokenizerJson);
        return [.. document.RootElement.GetProperty("model").GetProperty("merges").EnumerateArray()
            .Select(merge => merge.EnumerateArray().Select(part => part.GetString()!).ToArray())];
    }
}
