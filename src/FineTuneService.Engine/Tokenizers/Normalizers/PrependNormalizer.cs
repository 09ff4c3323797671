using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers.Normalizers;

/// <summary>Puts a text before any text that is not empty; it comes from the first character.</summary>
internal sealed class PrependNormalizer(string prefix) : Normalizer
{
    public override double MostToOne => 1;

    public override AlignedText Normalize(AlignedText text)
    {
        if (text.Text.Length == 0) return text;
        var builder = new AlignedTextBuilder(text);
        builder.Append(prefix, from: 0);
        builder.Copy(0, text.Text.Length);
        return builder.Build();
    }
}
