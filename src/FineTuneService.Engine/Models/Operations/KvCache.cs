using static TorchSharp.torch;

namespace FineTuneService.Engine.Models.Operations;

/// <summary>
/// Rotated keys, and values, of the tokens that sequences have been through, in blocks of a few tokens: a sequence holds as many as it
/// has come to need, and gives them back when it ends (https://arxiv.org/abs/2309.06180).
/// </summary>
/// <param name="dtype">The compute dtype.</param>
internal sealed class KvCache(ModelConfig config, ScalarType dtype, Device device)
{
    /// <summary>Large enough that a sequence has few of them, small enough that little of its last one is unused.</summary>
    public const int BlockTokens = 64;

    /// <summary>Bytes of the blocks that so many tokens take.</summary>
    public long Bytes(int tokens) => Bytes(config, dtype, tokens);

    /// <inheritdoc cref="Bytes(int)"/>
    public static long Bytes(ModelConfig config, ScalarType dtype, int tokens) =>
        (tokens + BlockTokens - 1L) / BlockTokens * BlockTokens * config.Layers * 2 * config.KeyValueHeads * config.HeadDim * (dtype == ScalarType.Float32 ? 4 : 2);

    /// <summary>An empty sequence; it is disposed where it ends.</summary>
    public CachedSequence Begin() => new(this);

    /// <summary>A block whose values are undefined.</summary>
    internal CacheBlock NewBlock() =>
        new(empty([config.Layers, 2, config.KeyValueHeads, BlockTokens, config.HeadDim], dtype: dtype, device: device).DetachFromDisposeScope());
}
