namespace FineTuneService.Engine.Evaluation;

/// <summary>What a model with an adapter makes of rows it does not learn from.</summary>
/// <param name="Loss">Mean over the trained labels of all rows, in nats.</param>
/// <param name="TokenAccuracy">Share of those labels that had the highest logit, 0…1.</param>
/// <param name="Tokens">How many labels that were.</param>
public sealed record EvaluationResult(double Loss, double TokenAccuracy, long Tokens);

/// <summary>What batches add up to before the division, so that they may be evaluated apart.</summary>
/// <param name="Loss">Sum over the trained labels, in nats.</param>
/// <param name="Correct">How many of them had the highest logit.</param>
/// <param name="Tokens">How many they were.</param>
public readonly record struct EvaluationSums(double Loss, double Correct, long Tokens)
{
    /// <summary>All zero where no label was trained.</summary>
    public EvaluationResult Result => Tokens == 0 ? new EvaluationResult(0, 0, 0) : new EvaluationResult(Loss / Tokens, Correct / Tokens, Tokens);

    public static EvaluationSums operator +(EvaluationSums a, EvaluationSums b) => new(a.Loss + b.Loss, a.Correct + b.Correct, a.Tokens + b.Tokens);
}
