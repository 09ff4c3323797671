using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers.Normalizers;

/// <summary>Puts a text in the place of each match; it comes from the match's last character.</summary>
internal sealed class ReplaceNormalizer(TextPattern pattern, string content) : Normalizer
{
    public override double MostToOne => pattern.Literal is { } literal && content.Length > 0
        ? Math.Max(1, literal.Length / (double)content.Length) : double.PositiveInfinity;

    public override AlignedText Normalize(AlignedText text)
    {
        var matches = pattern.Matches(text.Text);
        if (matches.Count == 0) return text;
        var builder = new AlignedTextBuilder(text);
        var end = 0;
        foreach (var match in matches)
        {
            builder.Copy(end, match.Start);
            builder.Append(content, from: match.End - 1);
            end = match.End;
        }

        builder.Copy(end, text.Text.Length);
        return builder.Build();
    }
}
