using System.Text.Json;
using FineTuneService.Engine.Tokenizers.Learning;
using FineTuneService.Engine.Tokenizers.PreTokenizers;
using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers;

/// <summary>Learns a byte-level BPE tokenizer from texts. The same texts give the same tokenizer.</summary>
public static class BpeTrainer
{
    /// <summary>
    /// Texts are cut into words by <paramref name="pattern"/>; without one as GPT-2 cuts them, and every digit is a word of its own,
    /// so that numbers are spelled alike everywhere.
    /// </summary>
    /// <param name="vocabularySize">Special tokens, 256 bytes and learned tokens together; fewer are learned when no pair occurs twice.</param>
    /// <param name="specialTokens">They get the first ids, in this order.</param>
    /// <param name="pattern">A regular expression that matches one word after the other, as in a tokenizer.json's Split.</param>
    /// <returns>The text of a tokenizer.json.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The vocabulary has no room for the bytes and the special tokens.</exception>
    public static string Train(IEnumerable<string> texts, int vocabularySize, IReadOnlyList<string> specialTokens, string? pattern = null)
    {
        var tokens = new List<string>(specialTokens);
        foreach (var character in ByteAlphabet.All.ToArray().Order()) tokens.Add(character.ToString());
        ArgumentOutOfRangeException.ThrowIfLessThan(vocabularySize, tokens.Count);

        var cuts = LearnedFile.Cuts(pattern);
        var merges = MergeLearner.Learn(WordCounts.Of(texts, PreTokenizer.Read(JsonSerializer.SerializeToElement(cuts))), tokens, vocabularySize);
        return LearnedFile.Write(tokens, specialTokens.Count, merges, cuts);
    }
}
