namespace FineTuneService.Engine.Chat;

/// <summary>A text has more tokens than a prompt may have, whatever they are.</summary>
/// <param name="fewest">It has at least so many.</param>
public sealed class PromptTooLongException(int fewest) : Exception($"the prompt has at least {fewest} tokens.")
{
    public int Fewest => fewest;
}
