using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Operations;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Evaluation;

/// <summary>Loss and token accuracy of labelled rows, by the decoder that serves.</summary>
internal static class Evaluator
{
    /// <param name="adapter">Null: the base alone.</param>
    /// <param name="batchSize">Rows of a forward; like lengths are put together.</param>
    public static EvaluationResult Evaluate(
        Decoder decoder, Adapter? adapter, IReadOnlyList<TrainingRow> rows, int batchSize, BufferPool pool, Action? yieldPoint = null)
    {
        EvaluationSums sums = default;
        foreach (TrainingRow[] batch in rows.OrderBy(row => row.Ids.Length).Chunk(batchSize))
            sums += Batch(decoder, adapter, batch, pool, yieldPoint);
        return sums.Result;
    }

    /// <summary>One forward.</summary>
    /// <param name="rows">At least one, and none of them empty.</param>
    public static EvaluationSums Batch(Decoder decoder, Adapter? adapter, IReadOnlyList<TrainingRow> rows, BufferPool pool, Action? yieldPoint = null)
    {
        using var scope = NewDisposeScope();
        MicroBatch batch = MicroBatch.Of(rows);
        if (batch.Targets.Count == 0) return default;
        AdapterRows[] adapters = adapter is null ? [] : [new AdapterRows(adapter, 0, batch.Tokens.Ids.Length)];
        var pass = new Pass(pool) { Adapters = adapters, YieldPoint = yieldPoint };
        Activation hidden = decoder.Forward(batch.Tokens, pass);
        (Tensor sum, Tensor? right) = HeadLoss.Forward(hidden, decoder.Weights.Head, batch.Targets with { Weights = null }, gradientScale: 0, pass, decoder.LogitShape);
        pool.ReturnAll();
        return new EvaluationSums(sum.item<double>(), right!.item<double>(), batch.Targets.Count);
    }
}
