using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Operations;

namespace FineTuneService.Engine.Training;

/// <summary>What a method computes its micro batches with.</summary>
/// <param name="adapter">What is trained, or null where every parameter of the model is.</param>
/// <param name="recomputes">Gradient checkpointing.</param>
internal sealed class StepContext(Decoder decoder, Adapter? adapter, Gradients gradients, BufferPool pool, bool recomputes = false)
{
    public Decoder Decoder => decoder;

    public Adapter? Adapter => adapter;

    public BufferPool Pool => pool;

    /// <summary>Called between decoder blocks.</summary>
    public Action? YieldPoint { get; set; }

    /// <summary>A pass whose backward adds to the gradients.</summary>
    public Pass Training(MicroBatch batch, Tape tape) => new(pool, tape)
    {
        Adapters = Adapted(batch),
        Gradients = gradients,
        Dropout = batch.Dropout,
        EmbeddingNoise = batch.EmbeddingNoise,
        Recomputes = recomputes,
        YieldPoint = YieldPoint,
    };

    /// <summary>A forward alone.</summary>
    /// <param name="adapted">False: of the base, as if there were no adapter.</param>
    /// <param name="dropped">Whether the batch's dropout applies.</param>
    public Pass Forward(MicroBatch batch, bool adapted, bool dropped = false) => new(pool)
    {
        Adapters = adapted ? Adapted(batch) : [],
        Dropout = dropped ? batch.Dropout : null,
        YieldPoint = YieldPoint,
    };

    private AdapterRows[] Adapted(MicroBatch batch) => adapter is null ? [] : [new AdapterRows(adapter, 0, batch.Tokens.Ids.Length)];
}
