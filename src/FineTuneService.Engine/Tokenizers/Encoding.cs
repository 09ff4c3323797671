namespace FineTuneService.Engine.Tokenizers;

/// <summary>Tokens of one text; all lists have one entry a token.</summary>
/// <param name="Tokens">The token's text as the vocabulary spells it; for an added token, the text it matched.</param>
/// <param name="Offsets">[Start, End) in Unicode code points of the input; (0, 0) for a token that a post-processor added.</param>
/// <param name="SpecialTokensMask">1 for a token that a post-processor added, 0 for one that stands in the text.</param>
public sealed record Encoding(
    IReadOnlyList<int> Ids,
    IReadOnlyList<string> Tokens,
    IReadOnlyList<(int Start, int End)> Offsets,
    IReadOnlyList<int> SpecialTokensMask);
