using FineTuneService.Engine.Generation.Schemas;

namespace FineTuneService.Engine.Generation;

/// <summary>How one answer is drawn. Names as OpenAI's wire format has them.</summary>
public sealed record SamplingParameters
{
    /// <summary>Tokens after which generation ends with <see cref="FinishReason.Length"/>; 0: the prompt is read, and that is all.</summary>
    public int MaxTokens { get; init; } = 256;

    /// <summary>0 is greedy: the most likely token, the lowest id among equals.</summary>
    public double Temperature { get; init; } = 1.0;

    /// <summary>The smallest set of most likely tokens whose probabilities reach this is drawn from.</summary>
    public double TopP { get; init; } = 1.0;

    /// <summary>Only this many most likely tokens are drawn from; 0: all.</summary>
    public int TopK { get; init; }

    /// <summary>Only tokens at least this share as likely as the most likely one are drawn from.</summary>
    public double MinP { get; init; }

    /// <summary>Tokens whose surprise is nearest to the entropy are drawn from, until they have this mass.</summary>
    public double TypicalP { get; init; } = 1.0;

    /// <summary>Every token that came before, prompt and answer, is made less likely by this factor; 1: none is.</summary>
    public double RepetitionPenalty { get; init; } = 1.0;

    /// <summary>Taken off a token's score each time that it was drawn.</summary>
    public double FrequencyPenalty { get; init; }

    /// <summary>Taken off a token's score once it was drawn.</summary>
    public double PresencePenalty { get; init; }

    /// <summary>Added to the scores of single tokens.</summary>
    public IReadOnlyDictionary<int, double> LogitBias { get; init; } = new Dictionary<int, double>();

    /// <summary>Texts that end the answer and are not part of it.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>The answer is one of the schema's texts; null: it is free.</summary>
    public OutputSchema? Schema { get; init; }

    /// <summary>How many of the likeliest tokens are named with each token's probability; null: no probabilities.</summary>
    public int? TopLogProbabilities { get; init; }

    /// <summary>The same seed, model and prompt give the same answer.</summary>
    public ulong Seed { get; init; }

    /// <summary>Go on past the end-of-text token (for benchmarks and golden cases).</summary>
    public bool IgnoreEndOfText { get; init; }
}

/// <summary>Why an answer ended: OpenAI's stop and length, and what must never look like either.</summary>
public enum FinishReason
{
    Stop,
    Length,

    /// <summary>It was cut short: its client has gone, or the service stops.</summary>
    Cancelled,

    /// <summary>The model gave NaN, infinity, or what an overflow leaves, instead of logits.</summary>
    NonFinite,

    /// <summary>Its forward failed.</summary>
    Failed,
}
