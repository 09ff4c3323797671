using System.Numerics.Tensors;

namespace FineTuneService.Engine.Generation.Rules;

/// <summary>Above 1 flattens the distribution, below 1 sharpens it.</summary>
/// <param name="temperature">More than 0.</param>
internal sealed class Temperature(double temperature) : ILogitRule
{
    public void Apply(Span<float> scores, ReadOnlySpan<int> previous) => TensorPrimitives.Divide(scores, (float)temperature, scores);
}
