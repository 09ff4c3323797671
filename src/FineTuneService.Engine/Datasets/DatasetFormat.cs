namespace FineTuneService.Engine.Datasets;

/// <summary>What a row holds. Detected from its keys; all rows of a file have one.</summary>
public enum DatasetFormat
{
    /// <summary><c>messages</c>: a list of {role, content}, OpenAI's.</summary>
    Chat,

    /// <summary><c>prompt</c> and <c>completion</c>, both texts or both lists of messages.</summary>
    PromptCompletion,

    /// <summary><c>instruction</c>, <c>input</c> (may be empty) and <c>output</c>, Stanford's.</summary>
    Alpaca,
}

/// <summary>What the formats are called in messages.</summary>
public static class DatasetFormatNames
{
    public static string Name(this DatasetFormat format) => format switch
    {
        DatasetFormat.Chat => "chat",
        DatasetFormat.PromptCompletion => "prompt/completion",
        _ => "Alpaca",
    };
}
