namespace FineTuneService.Engine.Generation;

/// <summary>A token of an answer, drawn or certain.</summary>
/// <param name="Text">That it completes; it, and that of tokens before it, may be empty until a character or stop string is certain.</param>
/// <param name="LogProbability">Of the model's own distribution, before any rule; null where it was not asked for.</param>
/// <param name="Top">The likeliest tokens at its place, likeliest first; as many as were asked for.</param>
public readonly record struct GeneratedToken(int Id, string Text, float? LogProbability = null, IReadOnlyList<TokenProbability>? Top = null)
{
    /// <summary>It ends the answer, and is no part of its text.</summary>
    public bool IsEnd { get; init; }
}

/// <param name="LogProbability">The natural logarithm.</param>
public readonly record struct TokenProbability(int Id, float LogProbability);
