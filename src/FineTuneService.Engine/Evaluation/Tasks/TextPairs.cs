using FineTuneService.Engine.Evaluation.Metrics;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Engine.Evaluation.Tasks;

/// <summary>Makes tokens of what a task asks, split and cut as lm-evaluation-harness does.</summary>
/// <param name="prefix">Stands where there is no context: the begin of the sequence, or the end of text where there is none.</param>
/// <param name="longest">Tokens that the model reads at once.</param>
public sealed class TextPairs(Tokenizer tokenizer, int prefix, int longest)
{
    /// <summary>The continuation's tokens are scored, given the context.</summary>
    /// <exception cref="TaskException">The continuation is no token, or is longer than the model reads.</exception>
    public ScoredText Pair(string context, string continuation)
    {
        (int[] before, int[] after) = Split(context, continuation);
        if (after.Length == 0) throw new TaskException($"'{Shown(continuation)}' has no token of its own behind its context");
        if (after.Length > longest) throw new TaskException($"'{Shown(continuation)}' has {after.Length} tokens, and the model reads {longest} at once");
        int[] ids = [.. before, .. after];
        int most = longest + 1; // The last token is predicted, not read.
        return new ScoredText(ids.Length > most ? ids[^most..] : ids, after.Length, ids.Length > most);
    }

    /// <summary>The context's tokens and the continuation's: both are encoded as one, and the context's are as many as it has alone.</summary>
    internal (int[] Context, int[] Continuation) Split(string context, string continuation)
    {
        if (context.Length == 0) return ([prefix], tokenizer.Encode(continuation));
        // Most tokenizers put a blank to the word behind it.
        string trimmed = PythonText.TrimEnd(context);
        int[] whole = tokenizer.Encode(context + continuation, addSpecialTokens: true), before = tokenizer.Encode(trimmed, addSpecialTokens: true);
        return (before, before.Length < whole.Length ? whole[before.Length..] : []);
    }

    /// <summary>All of a text, every token once: disjoint windows, of which the last has a whole context (loglikelihood_rolling).</summary>
    /// <param name="window">Tokens of a window; null: what the model reads.</param>
    public IReadOnlyList<ScoredText> Rolling(string text, int? window = null)
    {
        int width = Math.Min(window ?? longest, longest);
        int[] ids = [prefix, .. tokenizer.Encode(text)];
        var windows = new List<ScoredText>();
        for (int scored = 1; scored < ids.Length; scored += width)
        {
            int end = Math.Min(scored + width, ids.Length);
            windows.Add(new ScoredText(ids[Math.Max(0, end - 1 - width)..end], end - scored));
        }
        return windows;
    }

    /// <summary>
    /// All of a text but its first token, by windows that overlap: each scores what no window before it has
    /// (https://huggingface.co/docs/transformers/perplexity).
    /// </summary>
    /// <param name="ids">With what the tokenizer puts around a text.</param>
    internal static IReadOnlyList<ScoredText> Strided(int[] ids, int window, int stride)
    {
        var windows = new List<ScoredText>();
        for (int begin = 0, scored = 1; scored < ids.Length; begin += stride)
        {
            int end = Math.Min(begin + window, ids.Length);
            windows.Add(new ScoredText(ids[begin..end], end - Math.Max(scored, begin + 1)));
            scored = end;
        }
        return windows;
    }

    private static string Shown(string text) => text.Length <= 40 ? text : text[..40] + "…";
}
