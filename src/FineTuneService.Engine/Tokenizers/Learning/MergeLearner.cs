using System.Runtime.InteropServices;

namespace FineTuneService.Engine.Tokenizers.Learning;

/// <summary>
/// Byte-pair encoding's training (https://arxiv.org/abs/1508.07909): joins the most frequent pair of neighbours until the vocabulary
/// is full. Only the words that hold the pair are looked at; among equally frequent pairs the one of the lowest ids goes first.
/// </summary>
internal sealed class MergeLearner
{
    private readonly List<LearnedWord> _words = [];
    private readonly Dictionary<Pair, long> _counts = [];
    private readonly Dictionary<Pair, List<int>> _occurrences = [];
    private readonly PriorityQueue<Pair, (long NegativeCount, Pair Pair)> _queue = new();

    private readonly record struct Pair(int Left, int Right) : IComparable<Pair>
    {
        public int CompareTo(Pair other) => Left != other.Left ? Left.CompareTo(other.Left) : Right.CompareTo(other.Right);
    }

    /// <param name="words">Words, each of whose characters is a token, and their counts.</param>
    /// <param name="tokens">Grows by the learned tokens.</param>
    /// <returns>The merges in order, as pairs of tokens.</returns>
    public static List<(string Left, string Right)> Learn(
        IReadOnlyCollection<KeyValuePair<string, long>> words, List<string> tokens, int vocabularySize)
    {
        var learner = new MergeLearner();
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var id = 0; id < tokens.Count; id++) ids.TryAdd(tokens[id], id);
        foreach (var (word, count) in words)
            learner._words.Add(new LearnedWord([.. word.Select(character => ids[character.ToString()])], count));
        for (var word = 0; word < learner._words.Count; word++) learner.Count(word, sign: 1);
        foreach (var pair in learner._counts.Keys) learner.Offer(pair);

        var merges = new List<(string, string)>();
        while (tokens.Count < vocabularySize && learner.TryTakeMostFrequent(out var best))
        {
            var (left, right) = (tokens[best.Left], tokens[best.Right]);
            merges.Add((left, right));
            // Two pairs may spell the same token: "a" + "bc" and "ab" + "c".
            if (ids.TryAdd(left + right, tokens.Count)) tokens.Add(left + right);
            learner.Join(best, ids[left + right]);
        }

        return merges;
    }

    /// <summary>Counts go down unseen by the queue: an entry that is too high is put back with the right count.</summary>
    private bool TryTakeMostFrequent(out Pair pair)
    {
        while (_queue.TryDequeue(out pair, out var priority))
        {
            if (_counts[pair] < 2) continue;
            if (-priority.NegativeCount == _counts[pair]) return true;
            Offer(pair);
        }

        return false;
    }

    private void Join(Pair pair, int id)
    {
        var raised = new HashSet<Pair>();
        foreach (var word in _occurrences[pair])
        {
            Count(word, sign: -1);
            _words[word].Join(pair.Left, pair.Right, id);
            Count(word, sign: 1);
            for (var i = 0; i + 1 < _words[word].Length; i++)
                if (PairAt(word, i) is var next && (next.Left == id || next.Right == id)) raised.Add(next);
        }

        _occurrences.Remove(pair);
        foreach (var next in raised) Offer(next);
    }

    private void Count(int word, int sign)
    {
        for (var i = 0; i + 1 < _words[word].Length; i++)
        {
            var pair = PairAt(word, i);
            CollectionsMarshal.GetValueRefOrAddDefault(_counts, pair, out _) += sign * _words[word].Count;
            if (sign < 0) continue;
            var occurrences = CollectionsMarshal.GetValueRefOrAddDefault(_occurrences, pair, out _) ??= [];
            if (occurrences.Count == 0 || occurrences[^1] != word) occurrences.Add(word);
        }
    }

    private Pair PairAt(int word, int index) => new(_words[word][index], _words[word][index + 1]);

    private void Offer(Pair pair) => _queue.Enqueue(pair, (-_counts[pair], pair));
}
