using System.Text;
using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers.Normalizers;

/// <summary>
/// Unicode normalization (NFC, NFD, NFKC, NFKD), by clusters of a character and those that may combine with it, so that what comes
/// out is aligned with what went in; see <see cref="NormalizedCluster"/>.
/// </summary>
internal sealed class UnicodeNormalizer : Normalizer
{
    /// <summary>
    /// Putting marks in order takes time that grows with the square of their number. Writing has a handful at most, and a cluster of
    /// more than this many characters is normalized in parts.
    /// </summary>
    private const int LongestCluster = 256;

    private readonly NormalizationForm _form;

    /// <exception cref="TokenizerException">This process runs without Unicode data, and normalization would do nothing.</exception>
    public UnicodeNormalizer(NormalizationForm form)
    {
        if ("e\u0301".Normalize(NormalizationForm.FormC).Length != 1)
            throw new TokenizerException("tokenizer.json asks for Unicode normalization, which .NET does through ICU: install libicu and run without invariant globalization.");
        _form = form;
    }

    /// <summary>Up to four characters become one, and one outside the Basic Multilingual Plane, of two units, may become one inside.</summary>
    public override double MostToOne => _form is NormalizationForm.FormC or NormalizationForm.FormKC ? 8 : 2;

    private bool IsCompatible => _form is NormalizationForm.FormKC or NormalizationForm.FormKD;

    public override AlignedText Normalize(AlignedText text)
    {
        if (NormalizedCluster.IsNormalized(text.Text, _form)) return text;
        var builder = new AlignedTextBuilder(text);
        for (int start = 0, end; start < text.Text.Length; start = end)
        {
            end = AsciiEnd(text.Text, start);
            if (end > start) builder.Copy(start, end);
            if (end == text.Text.Length) break;
            start = end;
            end = ClusterEnd(text.Text, start);
            NormalizedCluster.Append(text.Text.AsSpan(start, end - start), start, _form, builder);
        }

        return builder.Build();
    }

    /// <summary>The end of a run of ASCII, which stays as it is; its last character may begin a cluster and is left out then.</summary>
    private static int AsciiEnd(string text, int start)
    {
        var length = text.AsSpan(start).IndexOfAnyExceptInRange('\0', '\x7f');
        return length < 0 ? text.Length : start + Math.Max(0, length - 1);
    }

    private int ClusterEnd(string text, int start)
    {
        CodePoints.At(text, start, out var width);
        var end = start + width;
        for (var count = 1; end < text.Length && count < LongestCluster && Combines(CodePoints.At(text, end, out width)); count++) end += width;
        return end;
    }

    /// <summary>
    /// Whether a code point may combine with one before it: a mark, or a vowel or final consonant of Hangul; where compatible ones are
    /// taken apart, those that become such (halfwidth sound marks and Hangul's compatible letters) too.
    /// </summary>
    private bool Combines(int codePoint) =>
        CharacterClass.IsMark(codePoint) || codePoint is (>= 0x1160 and <= 0x11FF) or (>= 0xD7B0 and <= 0xD7FF)
        || (IsCompatible && codePoint is (>= 0x3131 and <= 0x318E) or (>= 0xFF9E and <= 0xFFDC));
}
