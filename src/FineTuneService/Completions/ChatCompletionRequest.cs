using System.Text.Json;
using System.Text.Json.Serialization;
using FineTuneService.Hosting;

namespace FineTuneService.Completions;

/// <summary>What /v1/chat/completions and /v1/completions share. A field that is not here is refused by name.</summary>
public abstract record AnswerRequest
{
    /// <summary>A base, an adapter (ft:…) or a merged model.</summary>
    public required string Model { get; init; }

    /// <summary>An adapter's id, beside a base's name in model (as LoRAX has it).</summary>
    public string? AdapterId { get; init; }

    /// <summary>Answer token by token, as server-sent events.</summary>
    public bool? Stream { get; init; }
    public StreamOptionsBody? StreamOptions { get; init; }

    /// <summary>Tokens after which an answer ends with finish_reason length.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>0 always takes the most likely token; 1 unless given.</summary>
    public double? Temperature { get; init; }
    public double? TopP { get; init; }
    public int? TopK { get; init; }

    /// <summary>Only tokens at least this share as likely as the most likely one are drawn from (as vLLM has it).</summary>
    public double? MinP { get; init; }

    /// <summary>Tokens whose surprise is nearest to the entropy are drawn from, until they have this mass (as LoRAX has it).</summary>
    public double? TypicalP { get; init; }

    /// <summary>Up to 4 texts that end the answer.</summary>
    public OneOrMany? Stop { get; init; }

    /// <summary>The same seed and request give the same answer.</summary>
    public long? Seed { get; init; }

    /// <summary>Answers to the same prompt, 1 to 128.</summary>
    public int? N { get; init; }

    /// <summary>Your own name for who asks; it changes nothing.</summary>
    public string? User { get; init; }

    /// <summary>-2 to 2: taken off a token's score each time that it was drawn.</summary>
    public double? FrequencyPenalty { get; init; }

    /// <summary>-2 to 2: taken off a token's score once it was drawn.</summary>
    public double? PresencePenalty { get; init; }

    /// <summary>Above 0, at most 2: every token that came before, the prompt's too, is made less likely by this factor (as vLLM has it).</summary>
    public double? RepetitionPenalty { get; init; }

    /// <summary>Tokens by their ids, each with -100 to 100 that is added to its score.</summary>
    public IReadOnlyDictionary<string, double>? LogitBias { get; init; }
}

/// <summary>The body of POST /v1/chat/completions.</summary>
public sealed record ChatCompletionRequest : AnswerRequest
{
    public required IReadOnlyList<MessageBody> Messages { get; init; }

    /// <summary>OpenAI's newer name for max_tokens.</summary>
    public int? MaxCompletionTokens { get; init; }

    /// <summary>Whether each token comes with its probability's logarithm.</summary>
    public bool? Logprobs { get; init; }

    /// <summary>0 to 20: the likeliest tokens at each place; needs logprobs: true.</summary>
    public int? TopLogprobs { get; init; }

    /// <summary>What the answer's text must be.</summary>
    public ResponseFormatBody? ResponseFormat { get; init; }

    /// <summary>Functions and custom tools that the model may call, up to 128.</summary>
    public IReadOnlyList<ToolBody>? Tools { get; init; }

    /// <summary>auto where there are tools. A call that is required always fits its function's schema.</summary>
    public ToolChoice? ToolChoice { get; init; }

    /// <summary>false: at most one call in an answer.</summary>
    public bool? ParallelToolCalls { get; init; }

    /// <summary>Your own labels; they change nothing, as answers are not stored.</summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; init; }

    /// <summary>Your own name for who asks; it changes nothing.</summary>
    public string? SafetyIdentifier { get; init; }

    /// <summary>Your own name for requests that begin alike; it changes nothing.</summary>
    public string? PromptCacheKey { get; init; }

    /// <summary>auto or default: there is one tier.</summary>
    public string? ServiceTier { get; init; }

    /// <summary>["text"]: nothing else is made.</summary>
    public IReadOnlyList<string>? Modalities { get; init; }

    /// <summary>medium: a model's answers are as long as it makes them.</summary>
    public string? Verbosity { get; init; }

    public NotBuilt? Store { get; init; }
    public NotBuilt? ReasoningEffort { get; init; }
    public NotBuilt? Audio { get; init; }
    public NotBuilt? Prediction { get; init; }

    /// <summary>null: an empty object asks for a search.</summary>
    public JsonElement? WebSearchOptions { get; init; }
    public NotBuilt? Moderation { get; init; }
    public NotBuilt? PromptCacheRetention { get; init; }
    public NotBuilt? PromptCacheOptions { get; init; }
    public NotBuilt? Functions { get; init; }
    public NotBuilt? FunctionCall { get; init; }
}

/// <summary>The body of POST /v1/completions.</summary>
public sealed record CompletionRequest : AnswerRequest
{
    /// <summary>What to go on from, as it is (no template is applied): a text, or several, or their tokens' ids. Each has n answers.</summary>
    public required Prompts Prompt { get; init; }

    /// <summary>Whether the answer's text begins with the prompt; with max_tokens 0 it is the prompt alone.</summary>
    public bool? Echo { get; init; }

    /// <summary>0 to 5: each token comes with its probability's logarithm, and so many of the likeliest at its place.</summary>
    public int? Logprobs { get; init; }

    /// <summary>1, or n: answers are not chosen among.</summary>
    public int? BestOf { get; init; }

    public NotBuilt? Suffix { get; init; }
}

/// <summary>Whether a stream's last chunk carries usage.</summary>
public sealed record StreamOptionsBody
{
    public bool? IncludeUsage { get; init; }
    public NotBuilt? IncludeObfuscation { get; init; }
}

/// <summary>One turn of a conversation.</summary>
public sealed record MessageBody
{
    /// <summary>system, developer, user, assistant or tool.</summary>
    public required string Role { get; init; }

    /// <summary>May be null in an assistant's message that calls tools.</summary>
    [JsonConverter(typeof(TextContentConverter))]
    public string? Content { get; init; }
    public string? Name { get; init; }

    /// <summary>Calls that the assistant made.</summary>
    public IReadOnlyList<ToolCallBody>? ToolCalls { get; init; }

    /// <summary>Which call a tool's message answers.</summary>
    public string? ToolCallId { get; init; }
    public NotBuilt? Audio { get; init; }
    public NotBuilt? FunctionCall { get; init; }
    public NotBuilt? Annotations { get; init; }

    /// <summary>What an assistant said instead of content, in a conversation from elsewhere.</summary>
    public string? Refusal { get; init; }
}

/// <summary>A string, or OpenAI's array of parts, of which text is built.</summary>
internal sealed class TextContentConverter : JsonConverter<string>
{
    public override string Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.String) return reader.GetString()!;
        if (reader.TokenType != JsonTokenType.StartArray) throw new JsonException("content must be a string or an array of parts");
        using var parts = JsonDocument.ParseValue(ref reader);
        if (parts.RootElement.GetArrayLength() == 0) throw new JsonException("content is an empty list; write a string, or at least one part");
        return string.Concat(parts.RootElement.EnumerateArray().Select(TextOf));
    }

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);

    private static string TextOf(JsonElement part) =>
        part.ValueKind == JsonValueKind.Object && part.TryGetProperty("type", out JsonElement type) && type.ValueKind == JsonValueKind.String
        && (type.ValueEquals("text") || type.ValueEquals("refusal")) && part.EnumerateObject().All(field => field.NameEquals("type") || field.NameEquals(type.GetString()!))
        && part.TryGetProperty(type.GetString()!, out JsonElement text) && text.ValueKind == JsonValueKind.String
            ? text.GetString()!
            : throw new JsonException("a content part must be {\"type\": \"text\", \"text\": …} or a refusal, and nothing beside; other types are not built");
}
