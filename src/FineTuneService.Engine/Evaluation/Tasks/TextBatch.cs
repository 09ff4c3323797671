namespace FineTuneService.Engine.Evaluation.Tasks;

/// <summary>Texts of one forward. Those that differ in their last token only, such as the letters of a multiple choice, share an input.</summary>
public sealed class TextBatch
{
    /// <summary>Tokens of a forward, padding included. A batch is as long as others wait, and more tokens would gain little speed.</summary>
    private const int Tokens = 512;

    private TextBatch(IReadOnlyList<Input> inputs) => Inputs = inputs;

    internal IReadOnlyList<Input> Inputs { get; }

    /// <summary>All texts, those of like length together; one that is longer than a forward goes alone.</summary>
    public static IEnumerable<TextBatch> Of(IReadOnlyList<ScoredText> texts)
    {
        var inputs = new Dictionary<int[], Input>(SameIds.Instance);
        for (int place = 0; place < texts.Count; place++)
        {
            int[] ids = texts[place].Input.ToArray();
            if (!inputs.TryGetValue(ids, out Input? input)) inputs[ids] = input = new Input(ids, []);
            input.Texts.Add((place, texts[place]));
        }
        var batch = new List<Input>();
        foreach (Input input in inputs.Values.OrderBy(input => input.Ids.Length))
        {
            if (batch.Count > 0 && (batch.Count + 1) * input.Ids.Length > Tokens)
            {
                yield return new TextBatch(batch);
                batch = [];
            }
            batch.Add(input);
        }
        if (batch.Count > 0) yield return new TextBatch(batch);
    }

    /// <param name="Texts">Each with its place among all texts.</param>
    internal sealed record Input(int[] Ids, List<(int Place, ScoredText Text)> Texts);

    private sealed class SameIds : IEqualityComparer<int[]>
    {
        public static readonly SameIds Instance = new();

        public bool Equals(int[]? x, int[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(int[] ids)
        {
            var hash = new HashCode();
            hash.AddBytes(System.Runtime.InteropServices.MemoryMarshal.AsBytes(ids.AsSpan()));
            return hash.ToHashCode();
        }
    }
}
