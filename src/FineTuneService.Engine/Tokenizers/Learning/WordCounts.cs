using System.Runtime.InteropServices;
using FineTuneService.Engine.Tokenizers.PreTokenizers;
using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers.Learning;

/// <summary>How often each word occurs, spelled in <see cref="ByteAlphabet"/>.</summary>
internal static class WordCounts
{
    /// <returns>Words in the order of their first occurrence.</returns>
    public static IReadOnlyCollection<KeyValuePair<string, long>> Of(IEnumerable<string> texts, PreTokenizer cut)
    {
        var counts = new Dictionary<string, long>(StringComparer.Ordinal);
        var bySpan = counts.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach (var text in texts)
        {
            var aligned = AlignedText.Of(CodePoints.WellFormed(text), aligned: false);
            var words = cut.Apply(PreTokenizedText.Whole(aligned));
            foreach (var piece in words.Pieces) CollectionsMarshal.GetValueRefOrAddDefault(bySpan, words[piece], out _)++;
        }

        return counts;
    }
}
