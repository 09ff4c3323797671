using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Evaluation;
using FineTuneService.Engine.Operations;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Training.Methods;

/// <summary>Cross-entropy of the labelled tokens: the loss and its gradient by the logits are made in one go.</summary>
internal sealed class Supervised : TrainingMethod
{
    public override MicroBatch Batch(IReadOnlyList<TrainingRow> rows) => MicroBatch.Of(rows);

    public override double Units(MicroBatch batch) => batch.Targets.Weight;

    public override StepSums Accumulate(MicroBatch batch, double scale, StepContext step)
    {
        using var scope = NewDisposeScope();
        var tape = new Tape();
        Pass pass = step.Training(batch, tape);
        Activation hidden = step.Decoder.Forward(batch.Tokens, pass);
        (Tensor sum, _) = HeadLoss.Forward(hidden, step.Decoder.Weights.Head, batch.Targets, scale, pass, step.Decoder.LogitShape);
        tape.Backward();
        step.Pool.ReturnAll();
        return new StepSums(sum.item<double>());
    }

    public override EvaluationResult Evaluate(IReadOnlyList<TrainingRow> rows, int batchSize, StepContext step) =>
        Evaluator.Evaluate(step.Decoder, step.Adapter, rows, batchSize, step.Pool, step.YieldPoint);

    public override void Require(IReadOnlyList<TrainingRow> rows, string what)
    {
        for (int i = 0; i < rows.Count; i++)
        {
            if (rows[i].Rejected is not null) throw new ArgumentException($"{what} row {i} is a pair to prefer one of; train with DPO");
        }
    }
}
