namespace FineTuneService.Engine.Training.SelfInstruct;

/// <summary>A model that goes on from a text: one that this process holds, or one that is served elsewhere.</summary>
public delegate Task<WrittenText> WriteText(WritingRequest request, CancellationToken cancel);

/// <summary>What a model is asked to go on from, and how.</summary>
/// <param name="Prompt">A text, not a conversation: no template is applied.</param>
/// <param name="Stops">Texts that end the answer, and are not part of it.</param>
/// <param name="Seed">Differs from request to request, so that the same prompt is not answered the same way twice.</param>
public sealed record WritingRequest(string Prompt, IReadOnlyList<string> Stops, int MaxTokens, double Temperature, double TopP, double PresencePenalty, ulong Seed);

/// <param name="IsCut">The text ended because it was long, not because the model or a stop ended it.</param>
public sealed record WrittenText(string Text, bool IsCut);
