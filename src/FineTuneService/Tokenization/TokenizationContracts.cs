using FineTuneService.Completions;
using FineTuneService.Hosting;

namespace FineTuneService.Tokenization;

/// <summary>The body of POST /v1/tokenize, as vLLM has it: a prompt, or messages.</summary>
public sealed record TokenizeRequest
{
    public required string Model { get; init; }

    /// <summary>A text, tokenised as /v1/completions does.</summary>
    public string? Prompt { get; init; }

    /// <summary>A conversation, tokenised as /v1/chat/completions does.</summary>
    public IReadOnlyList<MessageBody>? Messages { get; init; }

    /// <summary>With messages: functions that the model may call.</summary>
    public IReadOnlyList<ToolBody>? Tools { get; init; }

    /// <summary>With messages: whether the text ends where the assistant's answer begins; true unless given.</summary>
    public bool? AddGenerationPrompt { get; init; }

    /// <summary>Whether the tokens that the tokenizer puts around every text are added; true unless given, and false for messages, whose template writes them.</summary>
    public bool? AddSpecialTokens { get; init; }

    /// <summary>token_strs come either way.</summary>
    public bool? ReturnTokenStrs { get; init; }
    public NotBuilt? ContinueFinalMessage { get; init; }
    public NotBuilt? ChatTemplate { get; init; }
    public NotBuilt? ChatTemplateKwargs { get; init; }
}

/// <param name="MaxModelLen">Tokens of the model's context.</param>
/// <param name="TokenStrs">Each token as the vocabulary writes it.</param>
public sealed record TokenizeBody(int Count, int MaxModelLen, IReadOnlyList<int> Tokens, IReadOnlyList<string> TokenStrs);

/// <summary>The body of POST /v1/detokenize, as vLLM has it.</summary>
public sealed record DetokenizeRequest
{
    public required string Model { get; init; }

    /// <summary>Ids of the model's tokens.</summary>
    public required IReadOnlyList<int> Tokens { get; init; }
}

public sealed record DetokenizeBody(string Prompt);

/// <summary>The body of POST /v1/chat/template.</summary>
public sealed record ChatTemplateRequest
{
    public required string Model { get; init; }
    public required IReadOnlyList<MessageBody> Messages { get; init; }
    public IReadOnlyList<ToolBody>? Tools { get; init; }

    /// <summary>Whether the text ends where the assistant's answer begins; true unless given.</summary>
    public bool? AddGenerationPrompt { get; init; }
}

/// <param name="Prompt">What the model reads.</param>
public sealed record ChatTemplateBody(string Prompt);
