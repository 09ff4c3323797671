using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers.Normalizers;

/// <summary>One after the other.</summary>
internal sealed class NormalizerSequence(IReadOnlyList<Normalizer> normalizers) : Normalizer
{
    public override AlignedText Normalize(AlignedText text) =>
        normalizers.Aggregate(text, (current, normalizer) => normalizer.Normalize(current));
}
