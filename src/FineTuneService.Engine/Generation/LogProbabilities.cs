using System.Numerics.Tensors;

namespace FineTuneService.Engine.Generation;

/// <summary>Logarithms of the probabilities that logits stand for: log-softmax in fp32.</summary>
internal sealed class LogProbabilities
{
    private float[] _exponentials = [];

    /// <param name="logits">[vocabulary], as the model gave them.</param>
    /// <param name="top">Likeliest tokens to name; the lower id first among equals.</param>
    public (float LogProbability, IReadOnlyList<TokenProbability> Top) Of(ReadOnlySpan<float> logits, int id, int top)
    {
        if (_exponentials.Length != logits.Length) _exponentials = new float[logits.Length];
        float highest = TensorPrimitives.Max(logits);
        TensorPrimitives.Subtract(logits, highest, _exponentials);
        TensorPrimitives.Exp<float>(_exponentials, _exponentials);
        float sum = highest + MathF.Log(TensorPrimitives.Sum<float>(_exponentials));
        return (logits[id] - sum, Likeliest(logits, top, sum));
    }

    private static TokenProbability[] Likeliest(ReadOnlySpan<float> logits, int top, float sum)
    {
        var best = new PriorityQueue<int, (float, int)>();
        for (int id = 0; top > 0 && id < logits.Length; id++)
        {
            if (best.Count == top && best.TryPeek(out _, out (float Logit, int) least) && logits[id] <= least.Logit) continue;
            best.Enqueue(id, (logits[id], -id));
            if (best.Count > top) best.Dequeue();
        }
        var ordered = new TokenProbability[best.Count];
        for (int i = ordered.Length - 1; i >= 0; i--)
        {
            int id = best.Dequeue();
            ordered[i] = new TokenProbability(id, logits[id] - sum);
        }
        return ordered;
    }
}
