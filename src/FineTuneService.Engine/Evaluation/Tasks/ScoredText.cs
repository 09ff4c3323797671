namespace FineTuneService.Engine.Evaluation.Tasks;

/// <summary>A text whose last tokens are scored, each given all that stand before it.</summary>
/// <param name="Ids">[tokens], at least one more than <paramref name="Scored"/>; cut from the left to the model's context.</param>
/// <param name="Scored">How many of the last tokens.</param>
/// <param name="Truncated">Its start was cut off.</param>
public sealed record ScoredText(int[] Ids, int Scored, bool Truncated = false)
{
    /// <summary>What the model reads before the first token from which it predicts one that is scored.</summary>
    internal int[] Stem => Ids[..^(Scored + 1)];

    /// <summary>[scored], the tokens from which those that are scored are predicted.</summary>
    internal int[] Tail => Ids[^(Scored + 1)..^1];
}

/// <summary>What a model makes of a text.</summary>
/// <param name="Losses">[scored], −log of each scored token's probability, in nats.</param>
/// <param name="IsGreedy">Each scored token is the one that the model would have chosen.</param>
public sealed record TextScore(float[] Losses, bool IsGreedy)
{
    /// <summary>Of the scored tokens together, in nats; 0 at most. Summed in float64.</summary>
    public double LogLikelihood { get; } = -Losses.Sum(loss => (double)loss);

    public int Tokens => Losses.Length;
}
