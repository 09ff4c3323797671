using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Evaluation;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Evaluations;

/// <summary>A prompt that is put to a model.</summary>
/// <param name="Text">What the answer shows of it.</param>
/// <param name="Reference">The right answer, where there is one.</param>
internal sealed record AskedPrompt(int[] Ids, string Text, string? Reference)
{
    private const int MostShown = 500;

    /// <param name="template">What the row was put into; null: nothing.</param>
    public static AskedPrompt Of(AnsweredPrompt row, PromptTemplate? template, Tokenizer tokenizer)
    {
        string text = tokenizer.Decode(row.Prompt, skipSpecialTokens: false);
        return new AskedPrompt(row.Prompt, text.Length <= MostShown ? text : text[^MostShown..], template?.WithoutEnd(row.Reference) ?? row.Reference);
    }
}
