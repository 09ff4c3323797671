using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Training;
using FineTuneService.Engine.Training.Optimizers;

namespace FineTuneService.Benchmarks.P1;

/// <summary>The Engine's own step: the tape, its kernels and its pool.</summary>
internal sealed class EngineVariant : IVariant
{
    private readonly Decoder _decoder;
    private readonly AdapterParameters _parameters;
    private readonly Optimizer _optimizer;
    private readonly TrainingStep _step;
    private readonly MicroBatch _batch = MicroBatch.Of(Workload.Batch());

    public EngineVariant(BaseModel model, Adapter adapter)
    {
        _decoder = new Decoder(model.Config, model.Weights);
        _parameters = new AdapterParameters(adapter);
        _optimizer = new AdamW(Workload.Training.Optimizer, _parameters.Set(Workload.Training.Optimizer));
        _step = new TrainingStep(_decoder, _parameters, adapter, _optimizer, Workload.Training);
    }

    public double Step() => _step.Run([_batch], Workload.Training.LearningRate).Loss;

    public void Dispose()
    {
        _step.Dispose();
        _optimizer.Dispose();
        _parameters.Dispose();
        _decoder.Dispose();
    }
}
