using static TorchSharp.torch;

namespace FineTuneService.Engine.Training.Optimizers;

/// <summary>What an optimizer updates: one buffer of values, one of gradients in the same layout, and the parameters' names and places.</summary>
internal sealed class ParameterSet
{
    /// <param name="values">[length].</param>
    /// <param name="gradients">[length], of the same dtype.</param>
    /// <param name="named">Every parameter once, together the whole buffer.</param>
    /// <param name="rule">How each is updated, by its name; null: all alike, without decay.</param>
    public ParameterSet(Tensor values, Tensor gradients, IEnumerable<NamedParameter> named, Func<NamedParameter, UpdateRule>? rule = null)
    {
        (Values, Gradients) = (values, gradients);
        Named = [.. named.OrderBy(parameter => parameter.Offset)];
        Groups = [.. Group(rule ?? (_ => new UpdateRule()))];
    }

    public Tensor Values { get; }

    public Tensor Gradients { get; }

    /// <summary>In the buffer's order.</summary>
    public IReadOnlyList<NamedParameter> Named { get; }

    /// <summary>The whole buffer in ranges, as long as neighbours are updated alike.</summary>
    public IReadOnlyList<ParameterGroup> Groups { get; }

    private IEnumerable<ParameterGroup> Group(Func<NamedParameter, UpdateRule> rule)
    {
        var together = new List<NamedParameter>();
        foreach (NamedParameter parameter in Named)
        {
            if (together.Count > 0 && rule(together[0]) != rule(parameter))
            {
                yield return new ParameterGroup(this, together, rule(together[0]));
                together = [];
            }
            together.Add(parameter);
        }
        if (together.Count > 0) yield return new ParameterGroup(this, together, rule(together[0]));
    }
}

/// <summary>How a parameter is updated.</summary>
/// <param name="RateFactor">Multiplies the step's learning rate.</param>
internal readonly record struct UpdateRule(double RateFactor = 1, double WeightDecay = 0)
{
    public UpdateRule() : this(1, 0)
    {
    }
}
