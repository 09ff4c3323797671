using System.Numerics.Tensors;

namespace FineTuneService.Engine.Generation.Rules;

/// <summary>Keeps tokens at least this share as likely as the most likely one (https://arxiv.org/abs/2407.01082).</summary>
internal sealed class MinP(double share, int fewest = 1) : ILogitRule
{
    private readonly Probabilities _probabilities = new();

    public void Apply(Span<float> scores, ReadOnlySpan<int> previous)
    {
        ReadOnlySpan<float> probabilities = _probabilities.Of(scores);
        float least = (float)share * TensorPrimitives.Max(probabilities), always = Highest.Of(scores, fewest);
        for (int id = 0; id < scores.Length; id++)
        {
            if (probabilities[id] < least && scores[id] < always) scores[id] = float.NegativeInfinity;
        }
    }
}
