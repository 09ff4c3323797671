namespace FineTuneService.Engine.Evaluation.Tasks;

/// <summary>What a task is read from.</summary>
/// <param name="Data">Its questions.</param>
/// <param name="Shots">Its examples; null where none are asked for.</param>
/// <param name="FewShots">Examples before each question.</param>
/// <param name="Limit">Questions, the first of the file.</param>
public sealed record TaskInputs(TaskFile Data, TaskFile? Shots, int FewShots, int Limit)
{
    /// <summary>Examples that are drawn from: GSM8K has 7,473.</summary>
    private const int MostShots = 20_000;

    /// <summary>The pool of examples; empty where none are asked for.</summary>
    /// <exception cref="TaskException">It has too few.</exception>
    internal IReadOnlyList<T> ReadShots<T>(Func<TaskFile, int, IReadOnlyList<T>> read, int spare = 0)
    {
        if (FewShots == 0 || Shots is null) return [];
        IReadOnlyList<T> pool = read(Shots, MostShots);
        if (Shots.Problems.Count == 0 && pool.Count < FewShots + spare)
            throw new TaskException($"num_fewshot is {FewShots}, and there are {pool.Count} examples to take from; at most {Math.Max(0, pool.Count - spare)} can be asked for");
        return pool;
    }
}

/// <summary>A task by lm-evaluation-harness's name (https://github.com/EleutherAI/lm-evaluation-harness): its files, prompts and figures.</summary>
/// <param name="DataPath">Where its questions lie in a folder of task data, in the layout of the data's own repositories.</param>
/// <param name="ShotsPath">The same for its examples; null: its prompt is fixed, and num_fewshot does not change it.</param>
/// <param name="DefaultShots">Examples where num_fewshot is not given.</param>
public sealed record HarnessTask(
    string Name, string DataPath, string? ShotsPath, int DefaultShots, IReadOnlyList<MetricRule> Rules, Func<TaskInputs, IEnumerable<TaskItem>> Items)
{
    /// <summary>The task's questions; the files say what is wrong with them.</summary>
    /// <exception cref="TaskException">There are too few examples.</exception>
    public EvaluationTask Read(TaskInputs inputs) => new(Name, [.. Items(inputs)], Rules);
}
