using FineTuneService.Engine.Tokenizers.Learning;
using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers;

/// <summary>Learns a byte-level BPE tokenizer from texts. The same texts give the same tokenizer.</summary>
public static class BpeTrainer
{
    /// <summary>Texts are cut as GPT-2 cuts them, and every digit is a word of its own, so that numbers are spelled alike everywhere.</summary>
    /// <param name="vocabularySize">Special tokens, 256 bytes and learned tokens together; fewer are learned when no pair occurs twice.</param>
    /// <param name="specialTokens">They get the first ids, in this order.</param>
    /// <returns>The text of a tokenizer.json.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The vocabulary has no room for the bytes and the special tokens.</exception>
    public static string Train(IEnumerable<string> texts, int vocabularySize, IReadOnlyList<string> specialTokens)
    {
        var tokens = new List<string>(specialTokens);
        foreach (var character in ByteAlphabet.All.ToArray().Order()) tokens.Add(character.ToString());
        ArgumentOutOfRangeException.ThrowIfLessThan(vocabularySize, tokens.Count);

        var merges = MergeLearner.Learn(WordCounts.Of(texts), tokens, vocabularySize);
        return LearnedFile.Write(tokens, specialTokens.Count, merges);
    }
}
