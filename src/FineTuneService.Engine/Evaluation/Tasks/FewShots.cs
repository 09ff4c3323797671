namespace FineTuneService.Engine.Evaluation.Tasks;

/// <summary>Draws the examples that stand before a question, as lm-evaluation-harness's default sampler does with its default seed.</summary>
internal sealed class FewShots<T>(IReadOnlyList<T> pool, int count)
    where T : notnull
{
    private const uint HarnessSeed = 1234;

    private readonly PythonRandom _random = new(HarnessSeed);

    /// <summary>The next question's examples; other questions get others.</summary>
    public IEnumerable<T> Next() => count == 0 ? [] : Draw(count);

    /// <summary>The same where the examples come from among the questions themselves: the question is none of them.</summary>
    public IEnumerable<T> NextWithout(T question) => count == 0 ? [] : Draw(count + 1).Where(row => !row.Equals(question)).Take(count);

    private IEnumerable<T> Draw(int size) => _random.Sample(pool.Count, size).Select(i => pool[i]);
}
