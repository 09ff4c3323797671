namespace FineTuneService.Engine.Training.SelfInstruct;

/// <summary>Which answers are kept: the rules of Self-Instruct's prepare_for_finetuning.py.</summary>
public static class InstanceFilter
{
    /// <summary>The good ones among the instances of one task; none where the same input has two answers, since then neither can be trusted.</summary>
    public static IReadOnlyList<TaskInstance> Good(IEnumerable<TaskInstance> instances)
    {
        TaskInstance[] distinct = [.. instances.Distinct()];
        if (distinct.Where(instance => instance.Input.Length > 0).GroupBy(instance => instance.Input).Any(same => same.Count() > 1)) return [];
        return [.. distinct.Where(instance => instance.Output.Length > 0 && instance.Input != instance.Output && !EndsOpen(instance.Input) && !EndsOpen(instance.Output))];
    }

    /// <summary>A text that ends with a colon was going to say more.</summary>
    private static bool EndsOpen(string text) => text.AsSpan().Trim().EndsWith(":");
}
