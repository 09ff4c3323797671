using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers.Normalizers;

/// <summary>One after the other.</summary>
internal sealed class NormalizerSequence(IReadOnlyList<Normalizer> normalizers) : Normalizer
{
    public override double MostToOne => normalizers.Aggregate(1.0, (product, normalizer) => product * normalizer.MostToOne);

    public override bool SpellsBytes => normalizers.Any(normalizer => normalizer.SpellsBytes);

    public override AlignedText Normalize(AlignedText text) =>
        normalizers.Aggregate(text, (current, normalizer) => normalizer.Normalize(current));
}
