using static TorchSharp.torch;

namespace FineTuneService.Engine.Compute;

/// <summary>What the cache holds of one sequence.</summary>
internal sealed class CachedSequence(KvCache cache, int restartAt = 0) : IDisposable
{
    private readonly List<CacheBlock> _blocks = [];

    private readonly List<int> _tokens = [];

    /// <summary>Tokens that it holds.</summary>
    public int Length { get; private set; }

    /// <summary>The first holds tokens 0 to 63, the next those from 64 on.</summary>
    public IReadOnlyList<CacheBlock> Blocks => _blocks;

    /// <summary>Makes room for the tokens that follow.</summary>
    public void Grow(int count)
    {
        while (_blocks.Count * KvCache.BlockTokens < Length + count) _blocks.Add(cache.NewBlock());
    }

    /// <summary>What the next forward must take for these tokens to follow: they alone, or all from the first where they cross
    /// <see cref="CacheShape.RestartAt"/>.</summary>
    public int[] Next(int[] tokens)
    {
        if (restartAt == 0) return tokens;
        if (Length > 0 && Length <= restartAt && Length + tokens.Length > restartAt) Length = 0;
        // Begun anew, and not yet advanced: all that it has been through, again.
        return Length == 0 ? [.. _tokens, .. tokens] : tokens;
    }

    /// <summary>Called once all layers have written these tokens.</summary>
    public void Advance(ReadOnlySpan<long> tokens)
    {
        if (Length == 0) _tokens.Clear();
        Length += tokens.Length;
        if (restartAt == 0) return;
        foreach (long token in tokens) _tokens.Add((int)token);
    }

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
}
