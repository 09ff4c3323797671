using FineTuneService.Engine.Evaluation.Tasks;
using FineTuneService.Engine.Generation;

namespace FineTuneService.Evaluations;

/// <summary>Puts tasks to one model: texts are scored, or prompts answered, a batch a lease turn.</summary>
internal sealed class TaskRun(ModelTurn turn, AnswerRun answers, TextScorer scorer)
{
    /// <summary>Tokens of a task; some 64 MB.</summary>
    private const long MostTokens = 1L << 24;

    /// <param name="warnings">That about cut rows is added.</param>
    /// <exception cref="EvaluationRefused">A question cannot be put.</exception>
    public async Task<IReadOnlyList<TaskMetric>> Run(EvaluationTask task, List<string> warnings, CancellationToken cancel)
    {
        IReadOnlyDictionary<string, double>[] measures = task.Items[0] is GeneratedItem
            ? await Generate([.. task.Items.Cast<GeneratedItem>()], cancel) : await Score(task.Name, [.. task.Items.Cast<ScoredItem>()], warnings, cancel);
        return task.Metrics(measures);
    }

    private async Task<IReadOnlyDictionary<string, double>[]> Score(string task, ScoredItem[] items, List<string> warnings, CancellationToken cancel)
    {
        IReadOnlyList<ScoredText>[] texts = await turn.Aside(() => Encode(task, items, cancel), cancel);
        ScoredText[] all = [.. texts.SelectMany(of => of)];
        if (all.Count(text => text.Truncated) is > 0 and var cut)
            warnings.Add($"'{turn.Name}' reads {turn.Longest} tokens at once: {cut} of {all.Length} texts of {task} lost their start.");
        var scores = new TextScore[all.Length];
        foreach (TextBatch batch in TextBatch.Of(all))
        {
            await turn.Forward((use, yieldPoint) =>
            {
                scorer.Score(use.Model.Base, use.Adapter?.Adapter, batch, scores, yieldPoint);
                return true;
            }, cancel);
            turn.Count(batch.TokensRead);
        }
        int at = 0;
        return [.. items.Select((item, i) => item.Measure(scores[at..(at += texts[i].Count)]))];
    }

    private IReadOnlyList<ScoredText>[] Encode(string task, ScoredItem[] items, CancellationToken cancel)
    {
        var pairs = new TextPairs(turn.Tokenizer, turn.Tokenizer.BosId ?? turn.Text.EosIds.FirstOrDefault(), turn.Longest);
        var texts = new IReadOnlyList<ScoredText>[items.Length];
        long tokens = 0;
        for (int i = 0; i < items.Length; i++)
        {
            cancel.ThrowIfCancellationRequested();
            try
            {
                texts[i] = items[i].Texts(pairs);
            }
            catch (TaskException unfit)
            {
                throw new EvaluationRefused(new EvaluationRefusal(EvaluationRefusalKind.BadTask, $"Question {i + 1} of '{task}' cannot be put to '{turn.Name}': {unfit.Message}.", "tasks"));
            }
            tokens += texts[i].Sum(text => (long)text.Ids.Length);
            if (tokens > MostTokens)
                throw new EvaluationRefused(new EvaluationRefusal(EvaluationRefusalKind.TooManyRows, $"The first {i + 1} questions of '{task}' have more than {MostTokens} tokens; give a limit of at most {i}.", "limit"));
        }
        return texts;
    }

    private async Task<IReadOnlyDictionary<string, double>[]> Generate(GeneratedItem[] items, CancellationToken cancel)
    {
        // As the harness, left-truncated so that the answer has room.
        int[][] prompts = await turn.Aside(() => items.Select(item => AnswerRun.Fit(turn.Tokenizer.Encode(item.Prompt, addSpecialTokens: true), turn.Longest, item.MaxTokens)).ToArray(), cancel);
        var parameters = new SamplingParameters { Temperature = 0, MaxTokens = items[0].MaxTokens, Stop = items[0].Until };
        MadeAnswers made = await answers.Run(prompts, parameters, cancel);
        return [.. items.Zip(made.Each, (item, answer) => item.Measure(answer.Text))];
    }
}
