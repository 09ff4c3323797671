namespace FineTuneService.Engine.Tokenizers.Batches;

/// <summary>A part of a template: a text, or special tokens.</summary>
/// <param name="Text">Which text; null for <paramref name="Tokens"/>.</param>
/// <param name="Type">The type id of its tokens.</param>
internal sealed record TemplatePart(int? Text, int Type, IReadOnlyList<(int Id, string Token)> Tokens);

/// <summary>What special tokens stand around one text, and around two.</summary>
internal sealed record PairTemplate(IReadOnlyList<TemplatePart> Single, IReadOnlyList<TemplatePart> Pair)
{
    public int Added(int texts) => Of(texts).Sum(part => part.Tokens.Count);

    public IReadOnlyList<TextPart> Apply(IReadOnlyList<TextPart> texts, bool addSpecialTokens) =>
    [
        .. Of(texts.Count).Where(part => part.Text is not null || addSpecialTokens)
            .Select(part => part.Text is { } text ? texts[text].WithType(part.Type) : TextPart.Special(part.Tokens, part.Type)),
    ];

    private IReadOnlyList<TemplatePart> Of(int texts) => texts == 1 ? Single : Pair;
}
