using System.Text.Json;

namespace FineTuneService.Engine.Tokenizers.Subwords;

/// <summary>From the left the longest token each; a word that leaves a rest, or is too long, is unknown as a whole.</summary>
/// <param name="prefix">Begins each token inside a word, such as "##".</param>
/// <param name="longestWord">In characters.</param>
internal sealed class WordPieceModel(Vocabulary vocabulary, string unknownToken, string prefix, int longestWord) : TokenModel(vocabulary)
{
    public override void Tokenize(ReadOnlySpan<char> word, List<WordToken> tokens)
    {
        var before = tokens.Count;
        if (Length(word) <= longestWord && TryCut(word, tokens)) return;
        tokens.RemoveRange(before, tokens.Count - before);
        var unknown = Vocabulary.IdOf(unknownToken);
        if (unknown < 0) throw new TokenizerException($"The unknown token '{unknownToken}' is not in the vocabulary.");
        tokens.Add(new WordToken(unknown, 0, word.Length));
    }

    private bool TryCut(ReadOnlySpan<char> word, List<WordToken> tokens)
    {
        for (int start = 0, end; start < word.Length; start = end)
        {
            var id = -1;
            for (end = Math.Min(word.Length, start + Vocabulary.LongestToken); end > start; end--)
            {
                id = Vocabulary.IdOf(start == 0 ? word[..end] : string.Concat(prefix, word[start..end]));
                if (id >= 0) break;
            }

            if (id < 0) return false;
            tokens.Add(new WordToken(id, start, end));
        }

        return true;
    }

    private static int Length(ReadOnlySpan<char> word)
    {
        var length = 0;
        foreach (var _ in word.EnumerateRunes()) length++;
        return length;
    }

    public static new WordPieceModel Read(JsonElement json) => new(
        Vocabulary.Read(json.GetProperty("vocab")), json.RequiredText("unk_token"),
        json.Text("continuing_subword_prefix") ?? "##", json.Number("max_input_chars_per_word", absent: 100));
}
