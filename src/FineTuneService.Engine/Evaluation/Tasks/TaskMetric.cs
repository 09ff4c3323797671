using FineTuneService.Engine.Evaluation.Metrics;

namespace FineTuneService.Engine.Evaluation.Tasks;

/// <summary>A figure of a whole task.</summary>
/// <param name="StandardError">As lm-evaluation-harness has it: of a mean's sample (n − 1); null for one item, and where the figure is no mean.</param>
public sealed record TaskMetric(string Name, double Value, double? StandardError);

/// <summary>How a task's figure comes from those of its items.</summary>
/// <param name="Of">The items' figure that is taken.</param>
public abstract record MetricRule(string Name, string Of)
{
    public abstract TaskMetric Over(IReadOnlyList<IReadOnlyDictionary<string, double>> items);

    private protected double Sum(IReadOnlyList<IReadOnlyDictionary<string, double>> items, string name) => items.Sum(item => item[name]);
}

public sealed record MeanOf(string Name, string Of) : MetricRule(Name, Of)
{
    public MeanOf(string name)
        : this(name, name)
    {
    }

    public override TaskMetric Over(IReadOnlyList<IReadOnlyDictionary<string, double>> items)
    {
        double[] values = [.. items.Select(item => item[Of])];
        return new TaskMetric(Name, values.Average(), Spread.OfMean(values));
    }
}

public sealed record SumOf(string Name) : MetricRule(Name, Name)
{
    public override TaskMetric Over(IReadOnlyList<IReadOnlyDictionary<string, double>> items) => new(Name, Sum(items, Of), null);
}

/// <summary>e to the loss of all items by a unit: tokens, words or bytes.</summary>
/// <param name="Of">The unit.</param>
public sealed record PerplexityBy(string Name, string Of) : MetricRule(Name, Of)
{
    public override TaskMetric Over(IReadOnlyList<IReadOnlyDictionary<string, double>> items) => new(Name, Math.Exp(-Sum(items, "loglikelihood") / Sum(items, Of)), null);
}

/// <summary>The loss of all items by a unit, in bits.</summary>
/// <param name="Of">The unit.</param>
public sealed record BitsBy(string Name, string Of) : MetricRule(Name, Of)
{
    public override TaskMetric Over(IReadOnlyList<IReadOnlyDictionary<string, double>> items) => new(Name, -Sum(items, "loglikelihood") / Sum(items, Of) / Math.Log(2), null);
}
