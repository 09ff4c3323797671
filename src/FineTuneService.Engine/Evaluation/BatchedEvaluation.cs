using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;

namespace FineTuneService.Engine.Evaluation;

/// <summary>
/// Evaluates a model a batch at a time, for a caller that lets others have the device in between. It holds buffers only: the model may
/// be let go after a batch and loaded anew before the next. All on one thread.
/// </summary>
/// <param name="memory">What the buffers are taken of; null: no limit.</param>
public sealed class BatchedEvaluation(MemoryShare? memory = null) : IDisposable
{
    /// <summary>Tokens of a forward, padding included. A batch is as long as others wait, and more tokens would gain little speed.</summary>
    private const int BatchTokens = 512;

    private readonly HeldDecoder _held = new(memory);

    /// <summary>Rows of like length together, as many as one forward takes; a row that is longer goes alone.</summary>
    public static IEnumerable<IReadOnlyList<TrainingRow>> Batches(IEnumerable<TrainingRow> rows)
    {
        var batch = new List<TrainingRow>();
        foreach (TrainingRow row in rows.OrderBy(row => row.Ids.Length))
        {
            if (batch.Count > 0 && (batch.Count + 1) * row.Ids.Length > BatchTokens)
            {
                yield return batch;
                batch = [];
            }
            batch.Add(row);
        }
        if (batch.Count > 0) yield return batch;
    }

    /// <param name="adapter">Null: the model alone.</param>
    /// <param name="yieldPoint">Called after each decoder block: requests may be served there. The model and the adapter stay as they are meanwhile.</param>
    /// <exception cref="MemoryExceededException">There is no room for the batch's buffers; none are held then.</exception>
    /// <exception cref="ArgumentException">A row is empty or has an id outside the model's vocabulary.</exception>
    public EvaluationSums Batch(BaseModel model, Adapter? adapter, IReadOnlyList<TrainingRow> rows, Action? yieldPoint = null)
    {
        RowChecks.RequireRows(rows, model.Config.VocabularySize, "evaluation");
        return _held.Run(model, (decoder, pool) => Evaluator.Batch(decoder, adapter, rows, pool, yieldPoint));
    }

    public void Dispose() => _held.Dispose();
}
