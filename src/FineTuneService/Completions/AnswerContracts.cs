using System.Text.Json.Serialization;

namespace FineTuneService.Completions;

/// <summary>Tokens of a request and its answers, as OpenAI's usage object.</summary>
public sealed record Usage(int PromptTokens, int CompletionTokens)
{
    public int TotalTokens => PromptTokens + CompletionTokens;
}

/// <summary>The answer of POST /v1/chat/completions.</summary>
public sealed record ChatCompletion(string Id, string Object, long Created, string Model, IReadOnlyList<ChatChoice> Choices, Usage Usage);

public sealed record ChatChoice(int Index, AssistantMessage Message, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] ChatLogprobs? Logprobs, string FinishReason);

/// <summary>Content is null where the answer is calls alone.</summary>
public sealed record AssistantMessage(
    string Role, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Content, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Refusal, IReadOnlyList<ToolCallBody>? ToolCalls = null);

/// <summary>Logarithms of probabilities of a chat's tokens.</summary>
public sealed record ChatLogprobs(IReadOnlyList<ChatTokenLogprob> Content, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] IReadOnlyList<ChatTokenLogprob>? Refusal = null);

/// <param name="Token">Its text; a part of a character is shown as U+FFFD.</param>
/// <param name="Bytes">Its text in UTF-8, whole or not.</param>
public sealed record ChatTokenLogprob(string Token, double Logprob, IReadOnlyList<int> Bytes, IReadOnlyList<TopLogprob> TopLogprobs);

public sealed record TopLogprob(string Token, double Logprob, IReadOnlyList<int> Bytes);

/// <summary>Logarithms of probabilities of a completion's tokens; null for the first of an echoed prompt, which nothing came before.</summary>
/// <param name="TextOffset">Where each token begins in prompt and answer, in characters.</param>
public sealed record TextLogprobs(IReadOnlyList<string> Tokens, IReadOnlyList<double?> TokenLogprobs, IReadOnlyList<IReadOnlyDictionary<string, double>?> TopLogprobs, IReadOnlyList<int> TextOffset);

/// <summary>One event of a streamed chat completion. Usage is only in the last chunk, whose choices are empty.</summary>
public sealed record ChatCompletionChunk(string Id, string Object, long Created, string Model, IReadOnlyList<ChunkChoice> Choices, Usage? Usage);

public sealed record ChunkChoice(int Index, ChunkDelta Delta, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] ChatLogprobs? Logprobs, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? FinishReason);

/// <summary>What a chunk adds: the role first, then text, then nothing.</summary>
public sealed record ChunkDelta(string? Role, string? Content, IReadOnlyList<ToolCallBody>? ToolCalls = null);

/// <summary>The answer of POST /v1/completions, and each event of its stream.</summary>
public sealed record TextCompletion(string Id, string Object, long Created, string Model, IReadOnlyList<TextChoice> Choices, Usage? Usage);

public sealed record TextChoice(string Text, int Index, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] TextLogprobs? Logprobs, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? FinishReason);
