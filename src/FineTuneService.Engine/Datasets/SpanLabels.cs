using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Engine.Datasets;

/// <summary>Labels of a rendered conversation's tokens.</summary>
internal static class SpanLabels
{
    /// <summary>A token is learnt when any character of it lies in a span of the assistant's, as in transformers.</summary>
    /// <param name="skipped">Characters of the conversation before those that were encoded.</param>
    public static int[] Of(Encoding encoding, RenderedChat chat, int skipped = 0)
    {
        var labels = new int[encoding.Ids.Count];
        Array.Fill(labels, TrainingRow.Ignored);
        var token = 0;
        foreach (var (start, end) in InCodePoints(chat, skipped))
        {
            while (token < labels.Length && encoding.Offsets[token].End <= start) token++;
            for (; token < labels.Length && encoding.Offsets[token].Start < end; token++)
                if (encoding.Offsets[token].End > encoding.Offsets[token].Start) labels[token] = encoding.Ids[token];
        }
        return labels;
    }

    /// <summary>Token offsets count code points, C# counts UTF-16.</summary>
    private static IEnumerable<(int Start, int End)> InCodePoints(RenderedChat chat, int skipped)
    {
        var (at, points) = (skipped, 0);
        int To(int position)
        {
            for (; at < position; at++)
                if (!char.IsLowSurrogate(chat.Text[at])) points++;
            return points;
        }
        foreach (var span in chat.AssistantSpans) yield return (To(span.Start.Value), To(span.End.Value));
    }
}
