namespace FineTuneService.Engine.Evaluation.Tasks;

/// <summary>One question of a task, put to a model in one of two ways: texts to score, or a prompt to answer.</summary>
public abstract record TaskItem;

/// <summary>A question that is answered by how likely texts are.</summary>
public abstract record ScoredItem : TaskItem
{
    /// <exception cref="TaskException">A text of it cannot be scored.</exception>
    public abstract IReadOnlyList<ScoredText> Texts(TextPairs pairs);

    /// <summary>Its figures by name, of the scores of its texts.</summary>
    public abstract IReadOnlyDictionary<string, double> Measure(IReadOnlyList<TextScore> scores);
}

/// <summary>A question that is answered in free text.</summary>
/// <param name="Until">Texts that end the answer and are not part of it.</param>
/// <param name="MaxTokens">Of the answer.</param>
public abstract record GeneratedItem(string Prompt, IReadOnlyList<string> Until, int MaxTokens) : TaskItem
{
    /// <summary>Its figures by name, of the answer.</summary>
    public abstract IReadOnlyDictionary<string, double> Measure(string answer);
}
