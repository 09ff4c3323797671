namespace FineTuneService.Engine.Datasets;

/// <summary>What a row holds. Detected from its keys; all rows of a file have one.</summary>
public enum DatasetFormat
{
    /// <summary><c>messages</c>: a list of {role, content}, OpenAI's, with <c>tools</c> beside it where there are some.</summary>
    Chat,

    /// <summary><c>prompt</c> and <c>completion</c>, both texts or both lists of messages.</summary>
    PromptCompletion,

    /// <summary><c>instruction</c>, <c>input</c> (may be empty) and <c>output</c>, Stanford's.</summary>
    Alpaca,

    /// <summary><c>instruction</c>, <c>context</c> (may be empty) and <c>response</c>, Databricks'.</summary>
    Dolly,

    /// <summary><c>conversations</c>: a list of {from, value}.</summary>
    ShareGpt,

    /// <summary><c>text</c>, all of which is learnt.</summary>
    Text,

    /// <summary>Two answers to one prompt, of which one is preferred: <c>chosen</c> and <c>rejected</c>.</summary>
    Preference,

    /// <summary>An answer and whether it is wanted: <c>label</c> beside <c>prompt</c> and <c>completion</c>, or beside <c>messages</c> (KTO).</summary>
    Labelled,
}

/// <summary>What the formats are called in messages.</summary>
public static class DatasetFormatNames
{
    public static string Name(this DatasetFormat format) => format switch
    {
        DatasetFormat.Chat => "chat",
        DatasetFormat.PromptCompletion => "prompt/completion",
        DatasetFormat.ShareGpt => "ShareGPT",
        DatasetFormat.Text => "text",
        DatasetFormat.Preference => "preference",
        DatasetFormat.Labelled => "labelled (KTO)",
        _ => format.ToString(),
    };
}
