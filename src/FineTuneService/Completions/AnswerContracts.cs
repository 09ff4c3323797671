using System.Text.Json.Serialization;

namespace FineTuneService.Completions;

/// <summary>Tokens of a request and its answers, as OpenAI's usage object.</summary>
public sealed record Usage(int PromptTokens, int CompletionTokens)
{
    public int TotalTokens => PromptTokens + CompletionTokens;
}

/// <summary>The answer of POST /v1/chat/completions.</summary>
public sealed record ChatCompletion(string Id, string Object, long Created, string Model, IReadOnlyList<ChatChoice> Choices, Usage Usage);

public sealed record ChatChoice(int Index, AssistantMessage Message, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] object? Logprobs, string FinishReason);

public sealed record AssistantMessage(string Role, string Content, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Refusal);

/// <summary>One event of a streamed chat completion. Usage is only in the last chunk, whose choices are empty.</summary>
public sealed record ChatCompletionChunk(string Id, string Object, long Created, string Model, IReadOnlyList<ChunkChoice> Choices, Usage? Usage);

public sealed record ChunkChoice(int Index, ChunkDelta Delta, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] object? Logprobs, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? FinishReason);

/// <summary>What a chunk adds: the role first, then text, then nothing.</summary>
public sealed record ChunkDelta(string? Role, string? Content);

/// <summary>The answer of POST /v1/completions, and each event of its stream.</summary>
public sealed record TextCompletion(string Id, string Object, long Created, string Model, IReadOnlyList<TextChoice> Choices, Usage? Usage);

public sealed record TextChoice(string Text, int Index, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] object? Logprobs, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? FinishReason);
