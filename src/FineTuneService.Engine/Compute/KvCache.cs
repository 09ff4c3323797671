using static TorchSharp.torch;

namespace FineTuneService.Engine.Compute;

/// <summary>
/// Rotated keys, and values, of the tokens that sequences have been through, in blocks of a few tokens: a sequence holds as many as it
/// has come to need, and gives them back when it ends (https://arxiv.org/abs/2309.06180).
/// </summary>
/// <param name="dtype">The compute dtype.</param>
internal sealed class KvCache(CacheShape shape, ScalarType dtype, Device device)
{
    /// <summary>Large enough that a sequence has few of them, small enough that little of its last one is unused.</summary>
    public const int BlockTokens = 64;

    /// <summary>Bytes of the blocks that so many tokens take.</summary>
    public long Bytes(int tokens) => Bytes(shape, dtype, tokens);

    /// <inheritdoc cref="Bytes(int)"/>
    public static long Bytes(CacheShape shape, ScalarType dtype, int tokens) =>
        (tokens + BlockTokens - 1L) / BlockTokens * BlockTokens * shape.Layers * 2 * shape.KeyValueHeads * shape.HeadDim * (dtype == ScalarType.Float32 ? 4 : 2);

    /// <summary>An empty sequence; it is disposed where it ends.</summary>
    /// <param name="expected">Tokens that it is known to come to.</param>
    public CachedSequence Begin(int expected = 0)
    {
        var sequence = new CachedSequence(this, shape.RestartAt);
        sequence.Expect(expected);
        return sequence;
    }

    /// <summary>A block whose values are undefined.</summary>
    internal CacheBlock NewBlock() =>
        new(empty([shape.Layers, 2, shape.KeyValueHeads, BlockTokens, shape.HeadDim], dtype: dtype, device: device).DetachFromDisposeScope());
}

/// <summary>Sizes of what a cache holds for each token: a key and a value of every layer and key/value head.</summary>
internal readonly record struct CacheShape(int Layers, int KeyValueHeads, int HeadDim)
{
    /// <summary>A sequence that grows past so many tokens is computed anew from its first (longrope's other factors); 0: never.</summary>
    public int RestartAt { get; init; }
}
