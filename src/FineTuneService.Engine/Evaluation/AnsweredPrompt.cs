using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Engine.Evaluation;

/// <summary>A row as a question with its right answer: its last labelled tokens are the answer, and all that stands before them is the prompt.</summary>
/// <param name="Prompt">The tokens that the row would be trained with, at least one.</param>
/// <param name="Reference">The answer's text, without white space around it.</param>
public sealed record AnsweredPrompt(int[] Prompt, string Reference)
{
    /// <param name="row">With a labelled token behind its first, as rows that are trained on have.</param>
    public static AnsweredPrompt Of(TrainingRow row, Tokenizer tokenizer)
    {
        int end = Array.FindLastIndex(row.Labels, label => label != TrainingRow.Ignored) + 1, start = end;
        while (start > 0 && row.Labels[start - 1] != TrainingRow.Ignored) start--;
        return new AnsweredPrompt(row.Ids[..Math.Max(1, start)], tokenizer.Decode(row.Ids.AsSpan(start, end - start)).Trim());
    }
}
