using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Generation;
using FineTuneService.Engine.Generation.Schemas;

namespace FineTuneService.Completions;

/// <summary>What a request asks for, before its model is known.</summary>
/// <param name="Operation">chat or text_completion, as OpenTelemetry names them.</param>
/// <param name="Choices">How each prompt's n answers are drawn; MaxTokens -1 takes what the context leaves.</param>
/// <param name="Prompts">Makes each prompt's tokens.</param>
internal sealed record AnswerPlan(string Operation, IReadOnlyList<SamplingParameters> Choices, Func<PromptEncoder, IReadOnlyList<int[]>> Prompts)
{
    /// <summary>What answers are held to, made once the prompts are; null: nothing.</summary>
    public Func<SchemaGrammar>? Grammar { get; init; }

    /// <summary>The field that asks for it.</summary>
    public string GrammarField { get; init; } = "response_format";

    /// <summary>Nobody waits for it.</summary>
    public bool IsBackground { get; init; }

    /// <summary>Answers begin with their prompts.</summary>
    public bool Echo { get; init; }
}
