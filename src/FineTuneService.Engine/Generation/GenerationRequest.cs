using FineTuneService.Engine.Lora;

namespace FineTuneService.Engine.Generation;

/// <summary>One answer to be made, and who is told of it. All calls come from the thread that steps the generator.</summary>
public sealed class GenerationRequest
{
    /// <summary>The prompt's tokens, at least one.</summary>
    public required IReadOnlyList<int> Prompt { get; init; }

    /// <summary>The adapter to answer through, by reference: nothing is copied or rewritten to change it. Null: the base alone.</summary>
    public Adapter? Adapter { get; init; }
    public required SamplingParameters Parameters { get; init; }

    /// <summary>Whose request it is: owners take turns, in reading prompts and in joining the batch.</summary>
    public string Turn { get; init; } = "";

    /// <summary>The prompt is about to be read.</summary>
    public Action? OnStarted { get; init; }

    /// <summary>Told, in order, how likely each of the prompt's tokens was, but for the first. Null: nobody asks, and nothing is computed.</summary>
    public Action<GeneratedToken>? OnPromptToken { get; init; }

    /// <summary>A token was drawn, or was certain.</summary>
    public required Action<GeneratedToken> OnToken { get; init; }

    /// <summary>The last call.</summary>
    public required Action<FinishReason> OnFinished { get; init; }
}
