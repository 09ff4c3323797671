using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Evaluation;
using FineTuneService.Engine.Evaluation.Tasks;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;

namespace FineTuneService.Engine.Tests.Evaluation;

public sealed class BatchedEvaluationTests
{
    [Fact]
    public void Batch_AllBatches_AddUpToTheTrainersEvaluation()
    {
        using BaseModel model = BaseModel.Random(Tiny.Config, new BasePrecision(ComputeDtype.Fp32), seed: 3);
        using Adapter adapter = Adapter.Create(model, new LoraConfig { Rank = 4 }, seed: 5);
        adapter.Values.Flat.fill_(0.02);
        using var decoder = new Decoder(model.Config, model.Weights);
        using var pool = new BufferPool(TorchSharp.torch.CPU);
        List<TrainingRow> rows = Tiny.Rows(40);
        foreach (Adapter? with in new[] { null, adapter })
        {
            using var evaluation = new BatchedEvaluation();
            EvaluationSums sums = BatchedEvaluation.Batches(rows).Aggregate(new EvaluationSums(), (sum, batch) => sum + evaluation.Batch(model, with, batch));
            EvaluationResult whole = Evaluator.Evaluate(decoder, with, rows, batchSize: 4, pool);
            Assert.Equal(whole.Loss, sums.Result.Loss, 1e-5);
            Assert.Equal((whole.TokenAccuracy, whole.Tokens), (sums.Result.TokenAccuracy, sums.Result.Tokens));
        }
    }

    [Fact]
    public void Batch_AnotherModelAfterTheFirstIsGone_StillEvaluates()
    {
        using var evaluation = new BatchedEvaluation();
        EvaluationSums Once()
        {
            using BaseModel model = BaseModel.Random(Tiny.Config, new BasePrecision(ComputeDtype.Fp32), seed: 3);
            return evaluation.Batch(model, null, Tiny.Rows(3));
        }
        Assert.Equal(Once(), Once());
    }

    [Fact]
    public void Batch_BudgetThatIsShort_IsRefusedHoldsNothingAndGoesOnWithRoom()
    {
        using BaseModel model = BaseModel.Random(Tiny.Config, new BasePrecision(ComputeDtype.Fp32), seed: 3);
        using var free = new BatchedEvaluation();
        EvaluationSums expected = free.Batch(model, null, Tiny.Rows(3));
        var budget = new MemoryBudget(4 << 20);
        using (var evaluation = new BatchedEvaluation(new MemoryShare(budget)))
        {
            long others = (4 << 20) - 2000;
            Assert.True(budget.TryTake(others));
            Assert.Throws<MemoryExceededException>(() => evaluation.Batch(model, null, Tiny.Rows(3)));
            Assert.Equal(others, budget.Taken);
            budget.Give(others);
            Assert.Equal(expected, evaluation.Batch(model, null, Tiny.Rows(3)));
            Assert.InRange(budget.Taken, 2000, 4 << 20);
        }
        Assert.Equal(0, budget.Taken);
    }

    [Fact]
    public void Score_BudgetThatIsShort_IsRefusedHoldsNothingAndGoesOnWithRoom()
    {
        using BaseModel model = BaseModel.Random(Tiny.Config, new BasePrecision(ComputeDtype.Fp32), seed: 3);
        // Two stems with two tails each, whose keys are kept; and texts that have none in common.
        ScoredText[] texts = [new([1, 2, 3, 4, 5, 6], 1), new([1, 2, 3, 4, 7, 8], 1), new([9, 2, 3, 4, 5, 6], 1), new([9, 2, 3, 4, 7, 8], 1), new([11, 12], 1)];
        float[] Scores(TextScorer scorer)
        {
            var scores = new TextScore[texts.Length];
            foreach (TextBatch batch in TextBatch.Of(texts)) scorer.Score(model, null, batch, scores);
            return [.. scores.SelectMany(score => score.Losses)];
        }
        using var free = new TextScorer();
        float[] expected = Scores(free);
        Assert.Contains(TextBatch.Of(texts), batch => batch.Shared);
        var budget = new MemoryBudget(4 << 20);
        using (var scorer = new TextScorer(new MemoryShare(budget)))
        {
            long others = (4 << 20) - 2000;
            Assert.True(budget.TryTake(others));
            Assert.Throws<MemoryExceededException>(() => Scores(scorer));
            Assert.Equal(others, budget.Taken);
            budget.Give(others);
            Assert.Equal(expected, Scores(scorer));
        }
        Assert.Equal(0, budget.Taken);
    }

    [Fact]
    public void Batches_ManyRows_HoldEachOnceAndFewTokensUnlessARowIsLonger()
    {
        List<TrainingRow> rows = [.. Tiny.Rows(300), new TrainingRow(new int[2048], new int[2048])];
        IReadOnlyList<TrainingRow>[] batches = [.. BatchedEvaluation.Batches(rows)];
        Assert.Equal(rows.OrderBy(row => row.Ids.Length), batches.SelectMany(batch => batch));
        Assert.All(batches, batch => Assert.True(batch.Count == 1 || batch.Count * batch.Max(row => row.Ids.Length) <= 512));
        Assert.True(batches.Length < 12, $"{batches.Length} batches");
    }

    [Fact]
    public void Batch_IdOutsideTheVocabulary_IsRefused()
    {
        using BaseModel model = BaseModel.Random(Tiny.Config, new BasePrecision(ComputeDtype.Fp32), seed: 3);
        using var evaluation = new BatchedEvaluation();
        Assert.Contains("id 64", Assert.Throws<ArgumentException>(() => evaluation.Batch(model, null, [new TrainingRow([1, 64], [1, 64])])).Message);
    }
}
