using static TorchSharp.torch;

namespace FineTuneService.Engine.Compute;

/// <summary>What the cache holds of one sequence.</summary>
internal sealed class CachedSequence(KvCache cache, int restartAt = 0) : IDisposable
{
    private readonly List<CacheBlock> _blocks = [];

    /// <summary>Tokens that it holds.</summary>
    public int Length { get; private set; }

    /// <summary>The first holds tokens 0 to 63, the next those from 64 on.</summary>
    public IReadOnlyList<CacheBlock> Blocks => _blocks;

    /// <summary>
    /// Tokens that it is known to come to, as its prompt has them: a rotary embedding that depends on a sequence's length is by these, and not
    /// by what it shares a batch with or how its prompt is cut.
    /// </summary>
    public int Expected { get; private set; }

    /// <summary>Tells of <see cref="Expected"/> tokens. Where they pass <see cref="CacheShape.RestartAt"/>, what was cached by other frequencies is
    /// dropped: <see cref="Length"/> is 0, and the caller reads the sequence again from its first token.</summary>
    public void Expect(int tokens)
    {
        if (Passes(tokens)) Length = 0;
        Expected = Math.Max(Expected, tokens);
    }

    /// <summary>Makes room for the tokens that follow.</summary>
    /// <exception cref="InvalidOperationException">They pass <see cref="CacheShape.RestartAt"/>, and were not expected.</exception>
    public void Grow(int count)
    {
        if (Length > 0 && Passes(Length + count)) throw new InvalidOperationException("the sequence outgrows its frequencies: its length must be expected before");
        while (_blocks.Count * KvCache.BlockTokens < Length + count) _blocks.Add(cache.NewBlock());
    }

    /// <summary>Called once all layers have written so many tokens.</summary>
    public void Advance(int count) => Length += count;

    /// <summary>Writes a layer's keys and values of the tokens that follow.</summary>
    /// <param name="keys">[count, kvHeads, headDim].</param>
    /// <param name="values">As the keys.</param>
    public void Write(int layer, Tensor keys, Tensor values)
    {
        int count = (int)keys.shape[0];
        for (int done = 0; done < count;)
        {
            (int block, int at) = Math.DivRem(Length + done, KvCache.BlockTokens);
            int part = Math.Min(KvCache.BlockTokens - at, count - done);
            _blocks[block].Keys(layer).narrow(1, at, part).copy_(keys.narrow(0, done, part).transpose(0, 1));
            _blocks[block].Values(layer).narrow(1, at, part).copy_(values.narrow(0, done, part).transpose(0, 1));
            done += part;
        }
    }

    /// <summary>Fills the tensors with a layer's keys and values from the first token on.</summary>
    /// <param name="keys">[kvHeads, tokens, headDim]; tokens may be more than <see cref="Length"/> by those just written.</param>
    /// <param name="values">As the keys.</param>
    public void Read(int layer, Tensor keys, Tensor values)
    {
        int tokens = (int)keys.shape[1];
        for (int start = 0; start < tokens; start += KvCache.BlockTokens)
        {
            CacheBlock block = _blocks[start / KvCache.BlockTokens];
            int part = Math.Min(KvCache.BlockTokens, tokens - start);
            keys.narrow(1, start, part).copy_(block.Keys(layer).narrow(1, 0, part));
            values.narrow(1, start, part).copy_(block.Values(layer).narrow(1, 0, part));
        }
    }

    public void Dispose()
    {
        foreach (CacheBlock block in _blocks) block.Dispose();
        _blocks.Clear();
    }

    private bool Passes(int tokens) => restartAt > 0 && Math.Max(Length, Expected) <= restartAt && tokens > restartAt;
}
