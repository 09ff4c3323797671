using static TorchSharp.torch;

namespace FineTuneService.Engine.Compute;

/// <summary>Keys and values of some consecutive tokens of a sequence, of all layers.</summary>
/// <param name="storage">[layers, 2, kvHeads, tokens, headDim]: a layer's keys, then its values.</param>
internal sealed class CacheBlock(Tensor storage) : IDisposable
{
    private readonly int _kvHeads = (int)storage.shape[2];

    /// <summary>Asking libtorch for an address costs a dozen calls, so it is kept; on other devices there is none.</summary>
    private readonly RowMemory _rows = storage.is_cpu() ? new RowMemory(storage) : default;

    /// <summary>[kvHeads, tokens, headDim].</summary>
    public Tensor Keys(int layer) => storage.select(0, layer).select(0, 0);

    /// <summary>[kvHeads, tokens, headDim].</summary>
    public Tensor Values(int layer) => storage.select(0, layer).select(0, 1);

    /// <summary>A head's first key [headDim]; the next token's follows it. On the CPU only.</summary>
    public unsafe T* KeyRows<T>(int layer, int kvHead)
        where T : unmanaged => _rows.Row<T>((2 * layer * _kvHeads + kvHead) * KvCache.BlockTokens);

    /// <inheritdoc cref="KeyRows"/>
    public unsafe T* ValueRows<T>(int layer, int kvHead)
        where T : unmanaged => _rows.Row<T>(((2 * layer + 1) * _kvHeads + kvHead) * KvCache.BlockTokens);

    public void Dispose() => storage.Dispose();
}
