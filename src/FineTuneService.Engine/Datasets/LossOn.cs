namespace FineTuneService.Engine.Datasets;

/// <summary>Which tokens of a row carry loss. Each flag takes others out; both together are the default.</summary>
[Flags]
public enum LossOn
{
    /// <summary>Every token.</summary>
    All = 0,

    /// <summary>Of conversations, only what the assistant says, with its ends of turns, and of it only what has weight (TRL's assistant_only_loss).</summary>
    Assistant = 1,

    /// <summary>Of rows with a prompt, only what stands behind it (TRL's completion_only_loss).</summary>
    Completion = 2,

    /// <summary>What the model is to say.</summary>
    Answers = Assistant | Completion,
}
