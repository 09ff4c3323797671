using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers.Normalizers;

/// <summary>Puts a text in the place of each character; it comes from that character.</summary>
/// <param name="map">The text for a code point, or null to keep it.</param>
internal sealed class MapNormalizer(Func<int, string?> map, bool spellsBytes = false) : Normalizer
{
    /// <summary>A character of two units may become one of one unit; none vanishes.</summary>
    public override double MostToOne => 2;

    public override bool SpellsBytes => spellsBytes;

    public override AlignedText Normalize(AlignedText text)
    {
        var builder = new AlignedTextBuilder(text);
        for (int i = 0, width; i < text.Text.Length; i += width)
        {
            if (map(CodePoints.At(text.Text, i, out width)) is { } mapped) builder.Append(mapped, i);
            else builder.Copy(i, i + width);
        }

        return builder.Build();
    }

    /// <summary>Character by character: no rule that looks at neighbours, such as the final sigma's.</summary>
    public static MapNormalizer Lowercase() => new(codePoint => codePoint == 0x130
        ? "i\u0307"
        : System.Text.Rune.ToLowerInvariant(new System.Text.Rune(codePoint)).ToString());

    /// <summary>Each byte of UTF-8 as a character of <see cref="ByteAlphabet"/>.</summary>
    public static MapNormalizer ByteLevel() => new(codePoint =>
    {
        var bytes = System.Text.Encoding.UTF8.GetBytes(char.ConvertFromUtf32(codePoint));
        return string.Concat(bytes.Select(value => ByteAlphabet.Of(value)));
    }, spellsBytes: true);
}
