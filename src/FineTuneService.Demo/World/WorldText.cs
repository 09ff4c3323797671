namespace FineTuneService.Demo.World;

/// <summary>The text that the base model learns from, without end: half of it world, half skills.</summary>
public static class WorldText
{
    private static readonly (int Percent, Func<Draw, Conversation> Make)[] Kinds =
    [
        (27, Complaints.Make),
        (11, Facts.Make),
        (8, Prices.Make),
        (24, Skills.Lookup),
        (18, Skills.Repeating),
        (6, Skills.Capitals),
        (6, Skills.Columns),
    ];

    public static IEnumerable<Conversation> Conversations(ulong seed)
    {
        var draw = new Draw(seed);
        while (true)
            yield return Kind(draw.Below(100))(draw);
    }

    /// <summary>Single questions of the same kinds, which another seed than the training text's makes new.</summary>
    public static IReadOnlyList<Turn> Questions(ulong seed, int count) =>
        [.. Conversations(seed).Select(c => c.Turns[0]).Take(count)];

    private static Func<Draw, Conversation> Kind(int percent)
    {
        foreach (var (share, make) in Kinds)
        {
            if (percent < share)
                return make;
            percent -= share;
        }
        throw new InvalidOperationException("The shares of the kinds of text do not make 100.");
    }
}
