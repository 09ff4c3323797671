using System.Runtime.InteropServices;

namespace FineTuneService.Engine.Evaluation.Tasks;

/// <summary>Tokens that texts have in common, such as a question's, and each text's own behind them.</summary>
internal sealed record TextStem(int[] Ids, IReadOnlyList<TextTail> Tails)
{
    /// <summary>Tokens that go through the model.</summary>
    public int Tokens { get; } = Ids.Length + Tails.Sum(tail => tail.Ids.Length);

    /// <summary>All texts by what they have in common.</summary>
    /// <param name="mostTailTokens">A stem with more behind it is given several times.</param>
    public static IEnumerable<TextStem> Of(IReadOnlyList<ScoredText> texts, int mostTailTokens)
    {
        var stems = new Dictionary<int[], Dictionary<int[], TextTail>>(SameIds.Instance);
        for (int place = 0; place < texts.Count; place++)
        {
            ScoredText text = texts[place];
            if (!stems.TryGetValue(text.Stem, out Dictionary<int[], TextTail>? tails)) stems[text.Stem] = tails = new(SameIds.Instance);
            // Letters of a multiple choice differ in their last token only, which no input holds.
            if (!tails.TryGetValue(text.Tail, out TextTail? tail)) tails[text.Tail] = tail = new TextTail(text.Tail, []);
            tail.Texts.Add((place, text));
        }
        return stems.SelectMany(stem => Parts(stem.Key, stem.Value.Values, mostTailTokens));
    }

    private static IEnumerable<TextStem> Parts(int[] ids, IEnumerable<TextTail> tails, int most)
    {
        var part = new List<TextTail>();
        int tokens = 0;
        foreach (TextTail tail in tails)
        {
            if (part.Count > 0 && tokens + tail.Ids.Length > most)
            {
                yield return new TextStem(ids, part);
                (part, tokens) = ([], 0);
            }
            part.Add(tail);
            tokens += tail.Ids.Length;
        }
        yield return new TextStem(ids, part);
    }

    private sealed class SameIds : IEqualityComparer<int[]>
    {
        public static readonly SameIds Instance = new();

        public bool Equals(int[]? x, int[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(int[] ids)
        {
            var hash = new HashCode();
            hash.AddBytes(MemoryMarshal.AsBytes(ids.AsSpan()));
            return hash.ToHashCode();
        }
    }
}

/// <param name="Ids">Each predicts a scored token.</param>
/// <param name="Texts">Each with its place among all texts.</param>
internal sealed record TextTail(int[] Ids, List<(int Place, ScoredText Text)> Texts);
