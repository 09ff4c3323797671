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

    /// <summary>So much text at once is asked whether it is normal already; asking takes the square of a run of marks too.</summary>
    private const int Stretch = 1024;

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
        if (System.Text.Ascii.IsValid(text.Text)) return text;
        AlignedTextBuilder? builder = null;
        for (int start = 0, end; start < text.Text.Length; start = end)
        {
            end = StretchEnd(text.Text, start);
            if (NormalizedCluster.IsNormalized(text.Text[start..end], _form))
            {
                builder?.Copy(start, end);
                continue;
            }

            if (builder is null)
            {
                builder = new AlignedTextBuilder(text);
                builder.Copy(0, start);
            }

            Append(text.Text, start, end, builder);
        }

        return builder?.Build() ?? text;
    }

    private void Append(string text, int start, int end, AlignedTextBuilder builder)
    {
        for (int next; start < end; start = next)
        {
            next = ClusterEnd(text, start);
            if (next == start + 1 && char.IsAscii(text[start])) builder.Copy(start, next);
            else NormalizedCluster.Append(text.AsSpan(start, next - start), start, _form, builder);
        }
    }

    /// <summary>Where a stretch may end without a cluster being cut, other than <see cref="ClusterEnd"/> cuts it.</summary>
    private int StretchEnd(string text, int start)
    {
        var end = start;
        while (end < text.Length && end < start + Stretch) end = ClusterEnd(text, end);
        return end;
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
