namespace FineTuneService.Engine.Tokenizers.Batches;

/// <summary>A text of a batch, or a pair of texts; all lists have one entry a token.</summary>
/// <param name="TypeIds">Which text of a pair a token is of, as the post-processor has it.</param>
/// <param name="AttentionMask">0 for padding.</param>
/// <param name="Overflowing">What truncation has cut off, in parts of the same length.</param>
public sealed record BatchEncoding(Encoding Encoding, IReadOnlyList<int> TypeIds, IReadOnlyList<int> AttentionMask, IReadOnlyList<BatchEncoding> Overflowing);
