using System.Numerics.Tensors;

namespace FineTuneService.Engine.Generation.Rules;

/// <summary>The n-th highest of scores: what rules that must keep some tokens keep.</summary>
internal static class Highest
{
    public static float Of(ReadOnlySpan<float> scores, int n)
    {
        if (n <= 1) return TensorPrimitives.Max(scores);
        var highest = new PriorityQueue<float, float>();
        foreach (float score in scores)
        {
            highest.Enqueue(score, score);
            if (highest.Count > n) highest.Dequeue();
        }
        return highest.Peek();
    }
}
