using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Models;

namespace FineTuneService.Engine.Evaluation;

/// <summary>A decoder and its buffers for work that is done batch by batch: the model may be let go after a batch and loaded anew
/// before the next. On one thread.</summary>
/// <param name="memory">What the buffers are taken of; null: no limit.</param>
internal sealed class HeldDecoder(MemoryShare? memory) : IDisposable
{
    private BaseModel? _model;
    private Decoder? _decoder;
    private BufferPool? _pool;

    /// <summary>Does a batch. Where the memory has no room for it, all buffers are given back, and it can be done again.</summary>
    /// <exception cref="MemoryExceededException">There is no room.</exception>
    public T Run<T>(BaseModel model, Func<Decoder, BufferPool, T> batch)
    {
        if (!ReferenceEquals(model, _model))
        {
            Dispose();
            _model = model;
            _decoder = new Decoder(model.Config, model.Weights);
            _pool = new BufferPool(model.Weights.Device, memory);
        }
        try
        {
            return batch(_decoder!, _pool!);
        }
        catch (MemoryExceededException)
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Counts bytes beside the buffers, until <see cref="Give"/>.</summary>
    /// <exception cref="MemoryExceededException">There is no room.</exception>
    public void Take(long bytes)
    {
        if (memory?.TryTake(bytes) == false) throw new MemoryExceededException(bytes);
    }

    public void Give(long bytes) => memory?.Give(bytes);

    public void Dispose()
    {
        _decoder?.Dispose();
        _pool?.Dispose();
        (_model, _decoder, _pool) = (null, null, null);
    }
}
