using System.Text.Json.Serialization;

namespace FineTuneService.Evaluations;

/// <summary>The body of POST /v1/evaluations. A field that is not here is refused by name.</summary>
public sealed record EvaluateRequest
{
    /// <summary>1 to 16 bases, adapters (ft:…) or merged models; the results are in this order.</summary>
    public required IReadOnlyList<string> Models { get; init; }

    /// <summary>Id of a file with purpose fine-tune or evals: rows in any format that trains.</summary>
    public required string File { get; init; }
}

/// <summary>Models side by side on one file.</summary>
/// <param name="Rows">Of the file.</param>
/// <param name="Warnings">About rows that were cut or left out, or figures that are missing.</param>
public sealed record EvaluationBody(
    string Id, string Object, long CreatedAt, string File, int Rows, IReadOnlyList<ModelResult> Results, IReadOnlyList<string> Warnings);

/// <summary>What one model makes of the rows: of the answers only, as in training.</summary>
/// <param name="Loss">Mean over the answers' tokens, in nats; null where it is no number, as with damaged weights.</param>
/// <param name="Perplexity">e to the loss.</param>
/// <param name="TokenAccuracy">Share of the answers' tokens that the model would have chosen, 0 to 1.</param>
/// <param name="Tokens">Of the answers, by this model's tokenizer.</param>
public sealed record ModelResult(
    string Model,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] double? Loss,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] double? Perplexity,
    double TokenAccuracy,
    long Tokens);
