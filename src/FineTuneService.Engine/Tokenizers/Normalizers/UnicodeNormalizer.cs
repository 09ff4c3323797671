using System.Text;
using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers.Normalizers;

/// <summary>
/// Unicode normalization (NFC, NFD, NFKC, NFKD), by clusters of a character and the marks that may combine with it: what comes
/// out of a cluster is aligned with what went in.
/// </summary>
internal sealed class UnicodeNormalizer : Normalizer
{
    private readonly NormalizationForm _form;

    /// <exception cref="TokenizerException">This process runs without Unicode data, and normalization would do nothing.</exception>
    public UnicodeNormalizer(NormalizationForm form)
    {
        if ("e\u0301".Normalize(NormalizationForm.FormC).Length != 1)
            throw new TokenizerException("tokenizer.json asks for Unicode normalization, which .NET does through ICU: install libicu and run without invariant globalization.");
        _form = form;
    }

    public override AlignedText Normalize(AlignedText text)
    {
        if (IsNormalized(text.Text)) return text;
        var builder = new AlignedTextBuilder(text);
        for (int start = 0, end; start < text.Text.Length; start = end)
        {
            end = ClusterEnd(text.Text, start);
            Append(text.Text.AsSpan(start, end - start), start, builder);
        }

        return builder.Build();
    }

    private void Append(ReadOnlySpan<char> cluster, int start, AlignedTextBuilder output)
    {
        var sources = DecomposedSources(cluster);
        var normalized = Normalized(cluster, _form);
        var result = Starts(normalized);
        // Composition shortens the list; what is composed goes into the cluster's first character.
        var composed = Math.Max(0, sources.Count - result.Count);
        for (var i = 0; i < result.Count; i++)
        {
            var end = i + 1 < result.Count ? result[i + 1] : normalized.Length;
            var from = sources[i == 0 ? 0 : Math.Min(composed + i, sources.Count - 1)];
            output.Append(normalized.AsSpan(result[i], end - result[i]), start + from);
        }
    }

    /// <summary>For each character of the decomposed cluster the index of the one that it is a part of.</summary>
    private List<int> DecomposedSources(ReadOnlySpan<char> cluster)
    {
        var decomposition = _form is NormalizationForm.FormC or NormalizationForm.FormD ? NormalizationForm.FormD : NormalizationForm.FormKD;
        var sources = new List<int>();
        foreach (var source in Starts(cluster))
        {
            CodePoints.At(cluster, source, out var width);
            var parts = Starts(Normalized(cluster.Slice(source, width), decomposition)).Count;
            sources.AddRange(Enumerable.Repeat(source, parts));
        }

        return sources;
    }

    // .NET refuses to normalize noncharacters (U+FFFE and the like); they normalize to themselves.
    private bool IsNormalized(string text) => !HasNoncharacter(text) && text.IsNormalized(_form);

    private static string Normalized(ReadOnlySpan<char> text, NormalizationForm form)
    {
        var copy = text.ToString();
        return HasNoncharacter(text) ? copy : copy.Normalize(form);
    }

    private static bool HasNoncharacter(ReadOnlySpan<char> text)
    {
        foreach (var rune in text.EnumerateRunes())
            if ((rune.Value & 0xFFFE) == 0xFFFE || rune.Value is >= 0xFDD0 and <= 0xFDEF) return true;
        return false;
    }

    private static int ClusterEnd(string text, int start)
    {
        CodePoints.At(text, start, out var width);
        var end = start + width;
        while (end < text.Length && Combines(CodePoints.At(text, end, out width))) end += width;
        return end;
    }

    /// <summary>Whether a code point may combine with one before it: a mark, or a vowel or final consonant of Hangul.</summary>
    private static bool Combines(int codePoint) =>
        CharacterClass.IsMark(codePoint) || codePoint is (>= 0x1160 and <= 0x11FF) or (>= 0xD7B0 and <= 0xD7FF);

    private static List<int> Starts(ReadOnlySpan<char> text)
    {
        var starts = new List<int>(text.Length);
        for (int i = 0, width; i < text.Length; i += width)
        {
            CodePoints.At(text, i, out width);
            starts.Add(i);
        }

        return starts;
    }
}
