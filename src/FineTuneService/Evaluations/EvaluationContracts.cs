using System.Text.Json.Serialization;

namespace FineTuneService.Evaluations;

/// <summary>The body of POST /v1/evaluations: at least one of file, tasks and generate. A field that is not here is refused by name.</summary>
public sealed record EvaluateRequest
{
    /// <summary>1 to 16 bases, adapters (ft:…) or merged models; the results are in this order.</summary>
    public required IReadOnlyList<string> Models { get; init; }

    /// <summary>Id of a file with purpose fine-tune or evals, rows in any format that trains: loss, perplexity and token accuracy of their answers.</summary>
    public string? File { get; init; }

    /// <summary>What the file's columns are, where it is in none of the formats; as a job's dataset.</summary>
    public FileColumnsBody? Dataset { get; init; }

    /// <summary>lm-evaluation-harness's names, such as truthfulqa_mc2, blimp_causative, mmlu_astronomy, arithmetic_2da, gsm8k.</summary>
    public IReadOnlyList<string>? Tasks { get; init; }

    /// <summary>Uploaded data by task name, where the service has none of its own or another is wanted.</summary>
    public Dictionary<string, TaskFilesBody>? TaskFiles { get; init; }

    /// <summary>Examples before each question, 0 to 64; each task's own number unless given. TruthfulQA and BLiMP have fixed prompts.</summary>
    public int? NumFewshot { get; init; }

    /// <summary>Only the first so many rows of the file and of each task.</summary>
    public int? Limit { get; init; }

    /// <summary>The same prompts to each model: text, seconds, tokens a second and peak memory; compared with the file's answers where it has some.</summary>
    public GenerateBody? Generate { get; init; }
}

/// <summary>A file's columns.</summary>
public sealed record FileColumnsBody
{
    /// <summary>Our names for columns, each with the file's: {"prompt": "question", "completion": "answer"}. Under a prompt template: its places, and completion.</summary>
    public Dictionary<string, string>? Columns { get; init; }

    /// <summary>A text with columns in braces ("Q: {question}\nA:") that makes each row's prompt, or alpaca, dolly or dolly-databricks; every model is
    /// asked in it, whatever it was trained with. The answer is the column completion, output, response or answer, unless columns says.</summary>
    public string? PromptTemplate { get; init; }
}

/// <summary>A task's uploaded files, purpose evals or fine-tune.</summary>
public sealed record TaskFilesBody
{
    /// <summary>Its questions, in the form of the data's own repository.</summary>
    public required string File { get; init; }

    /// <summary>What few-shot examples are drawn from.</summary>
    public string? FewshotFile { get; init; }
}

/// <summary>How answers are generated.</summary>
public sealed record GenerateBody
{
    /// <summary>1 to 100 prompts; the prompts of the file's rows unless given. A model with a chat or prompt template gets each as a user's message.</summary>
    public IReadOnlyList<string>? Prompts { get; init; }

    /// <summary>Of an answer, 1 to 2048; 128 unless given.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>0 (the likeliest token, unless given) to 2.</summary>
    public double? Temperature { get; init; }
    public long? Seed { get; init; }

    /// <summary>Up to 4 texts that end an answer.</summary>
    public Hosting.OneOrMany? Stop { get; init; }
}

/// <summary>Models side by side.</summary>
/// <param name="Rows">Of the file; absent without one.</param>
/// <param name="Warnings">About rows that were cut or left out, or figures that are missing.</param>
public sealed record EvaluationBody(
    string Id, string Object, long CreatedAt, string? File, int? Rows, IReadOnlyList<ModelResult> Results, IReadOnlyList<string> Warnings)
{
    /// <summary>As it was asked for.</summary>
    public FileColumnsBody? Dataset { get; init; }
    public IReadOnlyList<string>? Tasks { get; init; }
    public int? NumFewshot { get; init; }
    public int? Limit { get; init; }
}

/// <summary>What one model makes of it; of a file's rows, of the answers only, as in training.</summary>
/// <param name="Loss">Mean over the answers' tokens, in nats; null without a file, and where it is no number, as with damaged weights.</param>
/// <param name="Perplexity">e to the loss.</param>
/// <param name="TokenAccuracy">Share of the answers' tokens that the model would have chosen, 0 to 1.</param>
/// <param name="Tokens">Of the answers, by this model's tokenizer.</param>
public sealed record ModelResult(
    string Model,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] double? Loss,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] double? Perplexity,
    double? TokenAccuracy,
    long? Tokens)
{
    /// <summary>By task, each metric by its name.</summary>
    public IReadOnlyDictionary<string, TaskResult>? Tasks { get; init; }
    public GeneratedResult? Generated { get; init; }
}

/// <param name="Items">Questions that were put.</param>
/// <param name="NumFewshot">Examples before each.</param>
public sealed record TaskResult(int Items, int NumFewshot, IReadOnlyDictionary<string, MetricBody> Metrics);

/// <param name="Value">Null where it is no number, as with damaged weights.</param>
/// <param name="Stderr">As lm-evaluation-harness computes it: the sample's standard deviation (n − 1) over √n; null where the figure is no mean, or of one item.</param>
public sealed record MetricBody(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] double? Value, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] double? Stderr);

/// <summary>A model's answers and what they took.</summary>
/// <param name="Tokens">Of all answers.</param>
/// <param name="Seconds">From the first prompt to the last token.</param>
/// <param name="PeakMemoryBytes">Weights, adapter, keys and values of the answers under way at once, and buffers.</param>
/// <param name="Metrics">Where there are references: exact_match, f1, rouge1, rouge2, rougeL (0 to 1), bleu and chrf (0 to 100).</param>
public sealed record GeneratedResult(
    IReadOnlyList<SampleBody> Samples, long Tokens, double Seconds, double TokensPerSecond, long PeakMemoryBytes, IReadOnlyDictionary<string, MetricBody>? Metrics);

/// <param name="Prompt">As it was asked for, or the row's prompt as the model got it, at most its last 500 characters.</param>
/// <param name="Reference">The file's answer.</param>
/// <param name="FinishReason">stop, length, or non_finite where the model's output is no number.</param>
public sealed record SampleBody(string Prompt, string Text, string? Reference, string FinishReason, int Tokens, double Seconds);
