using FineTuneService.Engine.Tokenizers.Batches;

namespace FineTuneService.Engine.Tokenizers.PostProcessors;

/// <summary>One after the other.</summary>
internal sealed class PostProcessorSequence(IReadOnlyList<PostProcessor> processors) : PostProcessor
{
    public IReadOnlyList<PostProcessor> Processors => processors;

    public override TokenSequence Process(TokenSequence tokens, bool addSpecialTokens) =>
        processors.Aggregate(tokens, (current, processor) => processor.Process(current, addSpecialTokens));

    public override IReadOnlyList<TextPart> Process(IReadOnlyList<TextPart> texts, bool addSpecialTokens) =>
        processors.Aggregate(texts, (current, processor) => processor.Process(current, addSpecialTokens));

    public override int Added(int texts) => processors.Sum(processor => processor.Added(texts));
}
