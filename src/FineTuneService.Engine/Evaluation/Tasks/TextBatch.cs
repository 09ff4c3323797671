namespace FineTuneService.Engine.Evaluation.Tasks;

/// <summary>Texts that are scored in one turn on the device. What several have in common is read once.</summary>
public sealed class TextBatch
{
    /// <summary>Tokens of a forward, padding included. A batch is as long as others wait, and more tokens would gain little speed.</summary>
    private const int Tokens = 512;

    private TextBatch(IReadOnlyList<TextStem> stems, bool shared) => (Stems, Shared) = (stems, shared);

    internal IReadOnlyList<TextStem> Stems { get; }

    /// <summary>The stems are read first, and then what is behind them; otherwise each has one text, and both are one row.</summary>
    internal bool Shared { get; }

    /// <summary>Tokens that go through the model, without padding.</summary>
    public long TokensRead => Stems.Sum(stem => (long)stem.Tokens);

    /// <summary>All texts, those of like length together; one that is longer than a forward goes alone.</summary>
    public static IEnumerable<TextBatch> Of(IReadOnlyList<ScoredText> texts)
    {
        ILookup<bool, TextStem> stems = TextStem.Of(texts, Tokens).ToLookup(stem => stem.Ids.Length > 0 && stem.Tails.Count > 1);
        IEnumerable<TextStem> rows = stems[false].SelectMany(stem => stem.Tails.Select(tail => new TextStem(stem.Ids, [tail])));
        return [.. Batches(rows, shared: false), .. Batches(stems[true], shared: true)];
    }

    private static IEnumerable<TextBatch> Batches(IEnumerable<TextStem> stems, bool shared)
    {
        var batch = new List<TextStem>();
        foreach (TextStem stem in stems.OrderBy(stem => stem.Tokens))
        {
            if (batch.Count > 0 && (batch.Count + 1) * stem.Tokens > Tokens)
            {
                yield return new TextBatch(batch, shared);
                batch = [];
            }
            batch.Add(stem);
        }
        if (batch.Count > 0) yield return new TextBatch(batch, shared);
    }
}
