namespace FineTuneService.Engine.Kernels;

/// <summary>What becomes of attention's raw scores before their softmax, and which keys a query sees.</summary>
/// <param name="Scale">Multiplies q·k.</param>
internal sealed record ScoreRule(float Scale)
{
    /// <summary>Scaled scores become cap · tanh(s / cap), https://arxiv.org/abs/2408.00118; 0: they stay.</summary>
    public float SoftCap { get; init; }

    /// <summary>ALiBi, https://arxiv.org/abs/2108.12409: slope · key's position in its sequence is added to q·k, a slope for each query head; null: nothing is.</summary>
    public float[]? Slopes { get; init; }

    /// <summary>Keys that a query sees at most, its own included; 0: all before it.</summary>
    public int Window { get; init; }

    /// <summary>Of packed rows: first key of each token's own sequence, [rows·width] by place in the batch; null: a row is one sequence.</summary>
    public int[]? SequenceStarts { get; init; }

    /// <summary>Scores are scaled and nothing else.</summary>
    public bool OnlyScales => SoftCap == 0 && Slopes is null;

    /// <summary>The first key that a query of a row of one sequence sees.</summary>
    /// <param name="query">The query's place in its row, and so the last key that it sees.</param>
    public int FirstKey(int query) => Window == 0 ? 0 : Math.Max(0, query - Window + 1);

    /// <summary>The first key that the query of a row of scores sees.</summary>
    public int FirstKey(ScorePlaces places, int row, int query) =>
        SequenceStarts is null ? FirstKey(query) : Math.Max(Start(places, row, query), FirstKey(query));

    /// <summary>The place in its row where the sequence of a query begins.</summary>
    public int Start(ScorePlaces places, int row, int query) => SequenceStarts is null ? 0 : SequenceStarts[places.BatchRow(row) * places.Width + query];
}

/// <summary>Which query each row of a matrix of scores is: rows of one problem after the other, in it head after head.</summary>
/// <param name="FirstProblem">Of the problems (key/value heads of all rows of the batch), the first.</param>
/// <param name="Queries">Queries of a head.</param>
/// <param name="Offset">Keys before the first query.</param>
/// <param name="Width">Tokens of a row of the batch.</param>
internal readonly record struct ScorePlaces(int FirstProblem, int Group, int KeyValueHeads, int Queries, int Offset, int Width)
{
    /// <summary>The query's place in its row of the batch.</summary>
    public int Query(int row) => Offset + row % Queries;

    public int Head(int row) => Problem(row) % KeyValueHeads * Group + row % (Group * Queries) / Queries;

    public int BatchRow(int row) => Problem(row) / KeyValueHeads;

    private int Problem(int row) => FirstProblem + row / (Group * Queries);
}
