using System.Numerics.Tensors;

namespace FineTuneService.Engine.Generation.Rules;

/// <summary>Keeps tokens of at least this probability, and the most likely one (https://arxiv.org/abs/2210.15191).</summary>
internal sealed class EpsilonCutoff(double epsilon) : ILogitRule
{
    private readonly Probabilities _probabilities = new();

    public void Apply(Span<float> scores, ReadOnlySpan<int> previous)
    {
        ReadOnlySpan<float> probabilities = _probabilities.Of(scores);
        float highest = TensorPrimitives.Max(scores);
        for (int id = 0; id < scores.Length; id++)
        {
            if (probabilities[id] < (float)epsilon && scores[id] < highest) scores[id] = float.NegativeInfinity;
        }
    }
}
