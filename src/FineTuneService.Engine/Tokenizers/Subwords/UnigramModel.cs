using System.Text.Json;

namespace FineTuneService.Engine.Tokenizers.Subwords;

/// <summary>Sentencepiece's unigram model (https://arxiv.org/abs/1804.10959): the cut of the greatest sum of scores, by Viterbi's search.</summary>
internal sealed class UnigramModel(Vocabulary vocabulary, double[] scores, int unknownId, bool byteFallback) : TokenModel(vocabulary)
{
    // What an unknown character costs beside the least likely token.
    private const double UnknownPenalty = 10;

    private readonly double _unknownScore = scores.DefaultIfEmpty().Min() - UnknownPenalty;
    private readonly SortedTokens _tokens = new(vocabulary.All);

    /// <summary>The best way to a place in the word: its last token and where that one starts.</summary>
    private readonly record struct Step(int Id, int Start, double Score);

    public override void Tokenize(ReadOnlySpan<char> word, List<WordToken> tokens)
    {
        var best = Search(word);
        var path = new Stack<WordToken>();
        for (var end = word.Length; end > 0; end = best[end].Start)
        {
            var token = new WordToken(best[end].Id, best[end].Start, end);
            // Neighbouring unknown characters are one token.
            if (token.Id == unknownId && path.TryPeek(out var next) && next.Id == unknownId) token = token with { End = path.Pop().End };
            path.Push(token);
        }

        foreach (var token in path)
            if (token.Id != unknownId || !AddKnownOrBytes(word, token, tokens)) tokens.Add(token);
    }

    public override double LongestKnown(bool spelledInBytes) =>
        byteFallback && Enumerable.Range(0, 256).All(value => Vocabulary.IdOf($"<0x{value:X2}>") >= 0) ? Math.Max(2, Vocabulary.LongestToken) : double.PositiveInfinity;

    public override string TextOf(WordToken token, ReadOnlySpan<char> word) =>
        token.Id == unknownId ? word[token.Start..token.End].ToString() : base.TextOf(token, word);

    private Step[] Search(ReadOnlySpan<char> word)
    {
        var best = new Step[word.Length + 1];
        Array.Fill(best, new Step(-1, -1, double.NegativeInfinity));
        best[0] = default;
        var (start, width, known) = (0, 0, false);
        Action<int, int> offerToken = (length, id) =>
        {
            Offer(start, start + length, id, scores[id]);
            known |= length == width;
        };
        for (; start < word.Length; start += width)
        {
            width = char.IsHighSurrogate(word[start]) && start + 1 < word.Length ? 2 : 1;
            known = false;
            _tokens.ForEachPrefix(word[start..], offerToken);
            if (!known) Offer(start, start + width, unknownId, _unknownScore);
        }

        return best;

        void Offer(int start, int end, int id, double score)
        {
            var sum = best[start].Score + score;
            if (sum <= best[end].Score) return;
            if (id < 0) throw new TokenizerException("A character is not in the vocabulary, which has no unknown token.");
            best[end] = new Step(id, start, sum);
        }
    }

    private bool AddKnownOrBytes(ReadOnlySpan<char> word, WordToken unknown, List<WordToken> tokens)
    {
        var text = word[unknown.Start..unknown.End];
        if (Vocabulary.IdOf(text) is >= 0 and var id)
        {
            tokens.Add(unknown with { Id = id });
            return true;
        }

        if (!byteFallback) return false;
        var ids = new List<int>();
        foreach (var value in System.Text.Encoding.UTF8.GetBytes(text.ToString())) ids.Add(Vocabulary.IdOf($"<0x{value:X2}>"));
        if (ids.Contains(-1)) return false;
        foreach (var byteId in ids) tokens.Add(unknown with { Id = byteId });
        return true;
    }

    public static new UnigramModel Read(JsonElement json)
    {
        var entries = json.GetProperty("vocab").EnumerateArray().ToList();
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var id = 0; id < entries.Count; id++) ids[entries[id][0].GetString()!] = id;
        double[] scores = [.. entries.Select(entry => entry[1].GetDouble())];
        return new UnigramModel(new Vocabulary(ids), scores, json.Number("unk_id", absent: -1), json.Flag("byte_fallback"));
    }
}
