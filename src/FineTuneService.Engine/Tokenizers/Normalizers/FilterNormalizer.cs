using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers.Normalizers;

/// <summary>Drops characters.</summary>
/// <param name="drops">Whether a code point is dropped.</param>
internal sealed class FilterNormalizer(Func<int, bool> drops) : Normalizer
{
    public override AlignedText Normalize(AlignedText text)
    {
        var builder = new AlignedTextBuilder(text);
        for (int i = 0, width; i < text.Text.Length; i += width)
            if (!drops(CodePoints.At(text.Text, i, out width))) builder.Copy(i, i + width);
        return builder.Build();
    }

    /// <summary>Drops combining marks; only what NFD has taken apart has any.</summary>
    public static FilterNormalizer StripAccents() => new(CharacterClass.IsMark);
}
