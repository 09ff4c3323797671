namespace FineTuneService.Engine.Generation.Rules;

/// <summary>Changes the scores that the next token is drawn by. Its results are those of the transformers class of the same purpose.</summary>
public interface ILogitRule
{
    /// <param name="scores">[vocabulary]; −∞ is never drawn.</param>
    /// <param name="previous">The prompt's tokens, then those drawn so far.</param>
    void Apply(Span<float> scores, ReadOnlySpan<int> previous);
}
