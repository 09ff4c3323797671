namespace FineTuneService.Engine.Chat;

/// <summary>A chat template cannot be read, or refuses the messages (<c>raise_exception</c>), or asks for too much.</summary>
public sealed class ChatTemplateException(string reason, int line, string? feature = null)
    : Exception(line > 0 ? $"Chat template, line {line}: {reason}" : $"Chat template: {reason}")
{
    /// <summary>What is wrong, without the place. For <c>raise_exception</c> the template's own words.</summary>
    public string Reason { get; } = reason;

    /// <summary>1-based line of the template; 0 where the fault has no line.</summary>
    public int Line { get; } = line;

    /// <summary>The part of Jinja that this interpreter lacks, by name; null where Jinja itself would refuse.</summary>
    public string? Feature { get; } = feature;
}
