namespace FineTuneService.FineTuningJobs;

/// <summary>What to take of the training file, and how its columns are read.</summary>
public sealed record DatasetBody
{
    /// <summary>Our names for columns, each with the file's: {"prompt": "question", "completion": "answer"}. Under a prompt template: its places, and completion.</summary>
    public Dictionary<string, string>? Columns { get; init; }

    /// <summary>A text with columns in braces ("Q: {question}\nA:") that makes each row's prompt, or alpaca, dolly or dolly-databricks. It is kept with the
    /// adapter, and what the adapter is asked goes into it. The answer is the column completion, output, response or answer, unless columns says.</summary>
    public string? PromptTemplate { get; init; }

    /// <summary>Rows of the training file after which no more is read.</summary>
    public int? MaxRows { get; init; }

    /// <summary>Id of a file in the training file's format that the trained adapter is scored on, once, at the end.</summary>
    public string? TestFile { get; init; }

    /// <summary>Share of the training file's rows, below 1, that is held out for validation where there is no validation file.</summary>
    public double? ValidationSplit { get; init; }
}
