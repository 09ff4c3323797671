using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Models.Operations;
using FineTuneService.Engine.Training;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Evaluation;

/// <summary>What a model with an adapter makes of rows it does not learn from.</summary>
/// <param name="Loss">Mean over the trained labels of all rows.</param>
/// <param name="TokenAccuracy">Share of those labels that had the highest logit, 0…1.</param>
public sealed record EvaluationResult(double Loss, double TokenAccuracy, long Tokens);

/// <summary>Loss and token accuracy of labelled rows, by the decoder that serves.</summary>
internal static class Evaluator
{
    /// <param name="adapter">Null: the base alone.</param>
    /// <param name="batchSize">Rows of a forward; like lengths are put together.</param>
    public static EvaluationResult Evaluate(
        Decoder decoder, Adapter? adapter, IReadOnlyList<TrainingRow> rows, int batchSize, BufferPool pool, Action? yieldPoint = null)
    {
        double loss = 0, correct = 0;
        long tokens = 0;
        foreach (TrainingRow[] batchRows in rows.OrderBy(row => row.Ids.Length).Chunk(batchSize))
        {
            using var scope = NewDisposeScope();
            MicroBatch batch = MicroBatch.Of(batchRows);
            if (batch.Targets.Count == 0) continue;
            AdapterRows[] adapters = adapter is null ? [] : [new AdapterRows(adapter, 0, batch.Tokens.Ids.Length)];
            var pass = new Pass(pool) { Adapters = adapters, YieldPoint = yieldPoint };
            Activation hidden = decoder.Forward(batch.Tokens, pass);
            (Tensor sum, Tensor? right) = HeadLoss.Forward(hidden, decoder.Weights.Head, batch.Targets, gradientScale: 0, pass);
            loss += sum.item<double>();
            correct += right!.item<double>();
            tokens += batch.Targets.Count;
            pool.ReturnAll();
        }
        return tokens == 0 ? new EvaluationResult(0, 0, 0) : new EvaluationResult(loss / tokens, correct / tokens, tokens);
    }
}
