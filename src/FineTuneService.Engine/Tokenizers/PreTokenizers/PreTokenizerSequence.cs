using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers.PreTokenizers;

/// <summary>One after the other, each on the pieces of the one before.</summary>
internal sealed class PreTokenizerSequence(IReadOnlyList<PreTokenizer> preTokenizers) : PreTokenizer
{
    public override bool Drops => preTokenizers.Any(preTokenizer => preTokenizer.Drops);

    public override bool SpellsBytes => preTokenizers.Any(preTokenizer => preTokenizer.SpellsBytes);

    public override PreTokenizedText Apply(PreTokenizedText text) =>
        preTokenizers.Aggregate(text, (current, preTokenizer) => preTokenizer.Apply(current));
}
