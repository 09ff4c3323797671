using System.Diagnostics;
using FineTuneService.Device;
using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Evaluation;
using FineTuneService.Engine.Evaluation.Tasks;
using FineTuneService.Engine.Generation;
using FineTuneService.Hosting;

namespace FineTuneService.Evaluations;

/// <summary>One model's evaluation, a batch a lease turn: chat is answered and jobs train in between.</summary>
/// <param name="budget">What the buffers of its batches are taken of.</param>
internal sealed class ModelRun(ModelTurn turn, DeviceLease lease, MemoryBudget budget, int atOnce) : IAsyncDisposable
{
    private readonly BatchedEvaluation _losses = new(new MemoryShare(budget));
    private readonly TextScorer _scorer = new(new MemoryShare(budget));
    private readonly AnswerRun _answers = new(turn, lease, atOnce);

    /// <param name="rows">Of the plan's file.</param>
    /// <param name="tasks">Of the plan, read.</param>
    /// <param name="warnings">Those about the rows are added.</param>
    /// <exception cref="EvaluationRefused">The rows are none that this model can be asked, or there is no room for it.</exception>
    public async Task<ModelResult> Evaluate(EvaluationPlan plan, Dataset? rows, IReadOnlyList<EvaluationTask> tasks, List<string> warnings, CancellationToken cancel)
    {
        using Activity? span = Telemetry.Source.StartActivity(Telemetry.Spans.Evaluate);
        span?.SetTag(Telemetry.Keys.RequestModel, turn.Name);
        IReadOnlyList<TrainingRow> encoded = rows is null ? [] : await Encode(rows, plan.Limit, warnings, cancel);
        ModelResult result = rows is null ? new ModelResult(turn.Name, null, null, null, null) : await Loss(encoded, warnings, cancel);
        span?.SetTag(Telemetry.Keys.Loss, result.Loss);
        Dictionary<string, TaskResult>? done = tasks.Count == 0 ? null : [];
        var run = new TaskRun(turn, _answers, _scorer);
        foreach ((PlannedTask planned, EvaluationTask task) in plan.Tasks.Zip(tasks))
            done!.Add(task.Name, new TaskResult(task.Items.Count, planned.FewShots, OnWire(await run.Run(task, warnings, cancel))));
        return result with { Tasks = done, Generated = plan.Generate is null ? null : await Generate(plan.Generate, plan.Columns?.Template ?? turn.PromptTemplate, encoded, cancel) };
    }

    public async ValueTask DisposeAsync() => await lease.Serve(ModelTurn.Owner, () =>
    {
        _losses.Dispose();
        _scorer.Dispose();
        return true;
    });

    /// <summary>Rows become what this model would be asked: with the template that it, or its adapter, was trained with.</summary>
    private async Task<IReadOnlyList<TrainingRow>> Encode(Dataset rows, int? limit, List<string> warnings, CancellationToken cancel)
    {
        RowEncoder encoder = RowEncoder.For(turn.Text.Config, turn.Tokenizer, turn.ChatTemplate, turn.Text.EosIds, promptTemplate: turn.PromptTemplate);
        EncodedRows encoded = await turn.Aside(() => encoder.Encode(rows.Rows.Take(limit ?? int.MaxValue), rows.FileName, cancel), cancel);
        if (encoded.Problems.Count > 0) throw new EvaluationRefused(EvaluationRefusal.BadRows($"'{turn.Name}' cannot be evaluated on this file.", encoded.Problems));
        warnings.AddRange(encoded.Warnings.Select(warning => warning.ToString()));
        return encoded.Rows;
    }

    private async Task<ModelResult> Loss(IReadOnlyList<TrainingRow> rows, List<string> warnings, CancellationToken cancel)
    {
        EvaluationSums sums = default;
        foreach (IReadOnlyList<TrainingRow> batch in BatchedEvaluation.Batches(rows))
        {
            sums += await turn.Forward((use, yieldPoint) => _losses.Batch(use.Model.Base, use.Adapter?.Adapter, batch, yieldPoint), cancel);
            turn.Count(batch.Sum(row => (long)row.Ids.Length));
        }
        EvaluationResult result = sums.Result;
        double perplexity = Math.Exp(result.Loss);
        if (!double.IsFinite(perplexity)) warnings.Add($"'{turn.Name}' gives no finite perplexity; its weights may be damaged.");
        return new ModelResult(turn.Name, Finite(result.Loss), Finite(perplexity), result.TokenAccuracy, result.Tokens);
    }

    /// <param name="template">What the rows were put into.</param>
    private async Task<GeneratedResult> Generate(PlannedAnswers asked, PromptTemplate? template, IReadOnlyList<TrainingRow> rows, CancellationToken cancel)
    {
        if (asked.Prompts is not null) template = turn.PromptTemplate;
        AskedPrompt[] prompts = await turn.Aside(() => asked.Prompts is { } texts
            ? texts.Select(Asked).ToArray() : [.. rows.Select(row => AskedPrompt.Of(AnsweredPrompt.Of(row, turn.Tokenizer), template, turn.Tokenizer))], cancel);
        int[][] ids = [.. prompts.Select(prompt => AnswerRun.Fit(prompt.Ids, turn.Longest, asked.Parameters.MaxTokens))];
        MadeAnswers made = await _answers.Run(ids, asked.Parameters with { Stop = [.. asked.Parameters.Stop, .. template?.Ends ?? []] }, cancel);
        SampleBody[] samples = [.. prompts.Zip(made.Each, (prompt, answer) =>
            new SampleBody(prompt.Text, answer.Text, prompt.Reference, OnWire(answer.Finish), answer.Tokens, Math.Round(answer.Seconds, 4)))];
        long tokens = made.Each.Sum(answer => (long)answer.Tokens);
        IReadOnlyDictionary<string, MetricBody>? metrics = asked.Prompts is not null || samples.Length == 0 ? null
            : OnWire(await turn.Aside(() => AnswerComparison.Of([.. samples.Select(sample => (sample.Text, sample.Reference!))]), cancel));
        return new GeneratedResult(samples, tokens, Math.Round(made.Seconds, 4), made.Seconds > 0 ? Math.Round(tokens / made.Seconds, 2) : 0, made.PeakBytes, metrics);
    }

    /// <summary>As a user's message, where the model has a template for one.</summary>
    private AskedPrompt Asked(string text)
    {
        var encoder = new PromptEncoder(turn.Tokenizer, turn.ChatTemplate, turn.PromptTemplate);
        int[] ids = encoder.CanChat ? encoder.EncodeChat([new ChatMessage("user", text)]) : encoder.EncodeText(text);
        return new AskedPrompt(ids.Length > 0 ? ids : [turn.Tokenizer.BosId ?? turn.Text.EosIds.FirstOrDefault()], text, null);
    }

    private static string OnWire(FinishReason reason) => reason switch
    {
        FinishReason.Stop => "stop",
        FinishReason.Length => "length",
        FinishReason.NonFinite => "non_finite",
        _ => "failed",
    };

    private static Dictionary<string, MetricBody> OnWire(IReadOnlyList<TaskMetric> metrics) =>
        metrics.ToDictionary(metric => metric.Name, metric => new MetricBody(Finite(metric.Value), metric.StandardError is { } error ? Finite(error) : null));

    /// <summary>JSON knows no infinity.</summary>
    private static double? Finite(double value) => double.IsFinite(value) ? value : null;
}
