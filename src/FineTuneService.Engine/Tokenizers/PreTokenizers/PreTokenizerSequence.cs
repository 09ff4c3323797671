using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers.PreTokenizers;

/// <summary>One after the other, each on the pieces of the one before.</summary>
internal sealed class PreTokenizerSequence(IReadOnlyList<PreTokenizer> preTokenizers) : PreTokenizer
{
    public override PreTokenizedText Apply(PreTokenizedText text) =>
        preTokenizers.Aggregate(text, (current, preTokenizer) => preTokenizer.Apply(current));
}
