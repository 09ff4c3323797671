namespace FineTuneService.Engine.Datasets;

/// <summary>Why a token of a training row carries loss (the first three), or not.</summary>
public enum TokenReason
{
    /// <summary>It is what the model is to say.</summary>
    Answer,

    /// <summary>It ends an answer or a text: so the model learns to stop.</summary>
    End,

    /// <summary>All of the text is learnt.</summary>
    Text,

    /// <summary>It stands before or between answers: what the model is asked, and what the template writes around it.</summary>
    Prompt,

    /// <summary>It is an answer of the prompt's own, in a row of prompt and completion.</summary>
    EarlierAnswer,

    /// <summary>It is an answer of weight 0.</summary>
    Unweighted,

    /// <summary>It would be learnt, but nothing stands before it to predict it from.</summary>
    First,
}

/// <summary>A row with a reason for each of its tokens.</summary>
/// <param name="Reasons">[tokens].</param>
public sealed record ExplainedRow(TrainingRow Row, IReadOnlyList<TokenReason> Reasons)
{
    /// <summary>The worse answer of a pair.</summary>
    public ExplainedRow? Rejected { get; init; }
}
