using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Evaluation;
using FineTuneService.Engine.Operations;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Training.Methods;

/// <summary>
/// Direct preference optimization, https://arxiv.org/abs/2305.18290: the better of two answers is to become likelier than the worse one,
/// measured from the same base without the adapter. A micro batch holds all better answers, then all worse ones.
/// </summary>
/// <remarks>How much an answer's tokens count depends on the whole pair, so the head runs twice: for the log-probabilities, and for the gradients.</remarks>
internal sealed class Dpo(DpoConfig config) : TrainingMethod
{
    public override MicroBatch Batch(IReadOnlyList<TrainingRow> rows) => MicroBatch.Of([.. rows, .. rows.Select(row => row.Rejected!)]);

    public override double Units(MicroBatch batch) => batch.Tokens.Rows / 2;

    public override StepSums Accumulate(MicroBatch batch, double scale, StepContext step)
    {
        using var scope = NewDisposeScope();
        double[] reference = Reference(batch, step);
        var tape = new Tape();
        Pass pass = step.Training(batch, tape);
        Activation hidden = step.Decoder.Forward(batch.Tokens, pass).AlsoRead();
        (float[] losses, _) = HeadLoss.Scores(
            hidden, step.Decoder.Weights.Head, batch.Targets, step.Forward(batch, adapted: true, dropped: true), step.Decoder.LogitShape);
        var weights = new double[batch.Tokens.Rows];
        StepSums sums = Sums(batch, RowSums(batch, losses), reference, weights);
        float[] tokens = [.. batch.Targets.Tokens.Select(token => (float)weights[token / batch.Tokens.Width])];
        HeadLoss.Forward(hidden, step.Decoder.Weights.Head, batch.Targets with { Weights = tokens }, scale, pass, step.Decoder.LogitShape);
        tape.Backward();
        step.Pool.ReturnAll();
        return sums;
    }

    public override EvaluationResult Evaluate(IReadOnlyList<TrainingRow> rows, int batchSize, StepContext step)
    {
        StepSums sums = default;
        foreach (TrainingRow[] pairs in rows.OrderBy(row => row.Longest).Chunk(batchSize))
        {
            using var scope = NewDisposeScope();
            MicroBatch batch = Batch(pairs);
            double[] reference = Reference(batch, step), policy = Scores(batch, adapted: true, step);
            sums += Sums(batch, policy, reference, new double[batch.Tokens.Rows]);
        }
        return new EvaluationResult(sums.Loss / rows.Count, sums.Preferences.Means!.Accuracy, rows.Sum(row => row.TrainedTokens + row.Rejected!.TrainedTokens));
    }

    public override void Require(IReadOnlyList<TrainingRow> rows, string what)
    {
        for (int i = 0; i < rows.Count; i++)
        {
            if (rows[i].Rejected is not { } rejected) throw new ArgumentException($"{what} row {i} has no rejected answer; DPO trains on pairs");
            if (LossTargets.CountOf(rows[i].Labels) == 0 || LossTargets.CountOf(rejected.Labels) == 0)
                throw new ArgumentException($"{what} row {i} has an answer without a token to train on");
        }
    }

    /// <summary>Log-probability of each row's answer by the base; 0 where the loss does not ask.</summary>
    private double[] Reference(MicroBatch batch, StepContext step) =>
        PreferenceLosses.NeedsReference(config) ? Scores(batch, adapted: false, step) : new double[batch.Tokens.Rows];

    /// <summary>Log-probability of each row's answer.</summary>
    private static double[] Scores(MicroBatch batch, bool adapted, StepContext step)
    {
        Pass pass = step.Forward(batch, adapted);
        Activation hidden = step.Decoder.Forward(batch.Tokens, pass);
        (float[] losses, _) = HeadLoss.Scores(hidden, step.Decoder.Weights.Head, batch.Targets, pass, step.Decoder.LogitShape);
        step.Pool.ReturnAll();
        return RowSums(batch, losses);
    }

    private static double[] RowSums(MicroBatch batch, float[] losses)
    {
        var sums = new double[batch.Tokens.Rows];
        for (int i = 0; i < losses.Length; i++) sums[batch.Targets.Tokens[i] / batch.Tokens.Width] -= losses[i];
        return sums;
    }

    /// <param name="weights">[rows], written: what a token's cross-entropy counts in the loss, which is minus the derivative by its log-probability.</param>
    private StepSums Sums(MicroBatch batch, double[] policy, double[] reference, double[] weights)
    {
        int pairs = batch.Tokens.Rows / 2;
        var lengths = new int[batch.Tokens.Rows];
        foreach (long token in batch.Targets.Tokens) lengths[token / batch.Tokens.Width]++;
        Preference[] preferences = [.. Enumerable.Range(0, pairs).Select(i =>
            new Preference(policy[i], policy[pairs + i], reference[i], reference[pairs + i], lengths[i], lengths[pairs + i]))];
        PreferenceLoss[] losses = PreferenceLosses.Of(preferences, config);
        StepSums sums = default;
        for (int i = 0; i < pairs; i++)
        {
            (weights[i], weights[pairs + i]) = (-losses[i].ByChosen, -losses[i].ByRejected);
            sums += new StepSums(losses[i].Value, PreferenceSums.Of(preferences[i], config.Beta));
        }
        return sums;
    }
}
