using static TorchSharp.torch;

namespace FineTuneService.Engine.Training.Optimizers;

/// <summary>A range of a parameter set that is updated alike.</summary>
internal sealed class ParameterGroup
{
    private readonly ParameterSet _set;
    private readonly UpdateRule _rule;

    /// <param name="parameters">Neighbours, in the buffer's order.</param>
    public ParameterGroup(ParameterSet set, IReadOnlyList<NamedParameter> parameters, UpdateRule rule)
        : this(set, parameters, rule, parameters[0].Offset, parameters[^1].Offset + parameters[^1].Length - parameters[0].Offset)
    {
    }

    private ParameterGroup(ParameterSet set, IReadOnlyList<NamedParameter> parameters, UpdateRule rule, long offset, long length) =>
        (_set, Parameters, _rule, Offset, Length) = (set, parameters, rule, offset, length);

    /// <summary>Those that lie in the range, in order.</summary>
    public IReadOnlyList<NamedParameter> Parameters { get; }

    /// <summary>First element in the set's buffers.</summary>
    public long Offset { get; }

    public long Length { get; }

    public double RateFactor => _rule.RateFactor;

    public double WeightDecay => _rule.WeightDecay;

    /// <summary>[length]: a view, as all tensors of a group are.</summary>
    public Tensor Values => Of(_set.Values);

    /// <summary>[length].</summary>
    public Tensor Gradients => Of(_set.Gradients);

    /// <summary>The range of a buffer in the set's layout.</summary>
    public Tensor Of(Tensor flat) => flat.narrow(0, Offset, Length);

    /// <summary>The same range, a parameter at a time.</summary>
    public IEnumerable<ParameterGroup> Each => Parameters.Select(parameter => new ParameterGroup(_set, [parameter], _rule));

    /// <summary>The same range in pieces of at most so many elements, whatever parameters they cut.</summary>
    public IEnumerable<ParameterGroup> Pieces(long most)
    {
        for (long at = 0; at < Length; at += most)
            yield return new ParameterGroup(_set, Parameters, _rule, Offset + at, Math.Min(most, Length - at));
    }
}
