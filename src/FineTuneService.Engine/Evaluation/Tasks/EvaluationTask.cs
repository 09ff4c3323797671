namespace FineTuneService.Engine.Evaluation.Tasks;

/// <summary>A task's questions, ready to be put to any model, and what is to be told of the answers.</summary>
/// <param name="Name">lm-evaluation-harness's name, or one of ours.</param>
/// <param name="Items">In the order of the file.</param>
public sealed record EvaluationTask(string Name, IReadOnlyList<TaskItem> Items, IReadOnlyList<MetricRule> Rules)
{
    /// <param name="items">Each item's figures, in their order.</param>
    public IReadOnlyList<TaskMetric> Metrics(IReadOnlyList<IReadOnlyDictionary<string, double>> items) => [.. Rules.Select(rule => rule.Over(items))];
}
