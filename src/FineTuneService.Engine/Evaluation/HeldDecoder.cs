using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Models;

namespace FineTuneService.Engine.Evaluation;

/// <summary>A decoder and its buffers for work that is done batch by batch: the model may be let go after a batch and loaded anew
/// before the next. On one thread.</summary>
internal sealed class HeldDecoder : IDisposable
{
    private BaseModel? _model;
    private Decoder? _decoder;
    private BufferPool? _pool;

    public (Decoder Decoder, BufferPool Pool) Of(BaseModel model)
    {
        if (!ReferenceEquals(model, _model))
        {
            Dispose();
            _model = model;
            _decoder = new Decoder(model.Config, model.Weights);
            _pool = new BufferPool(model.Weights.Device);
        }
        return (_decoder!, _pool!);
    }

    public void Dispose()
    {
        _decoder?.Dispose();
        _pool?.Dispose();
        (_model, _decoder, _pool) = (null, null, null);
    }
}
