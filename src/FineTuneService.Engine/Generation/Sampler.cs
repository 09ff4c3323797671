using System.Numerics.Tensors;
using FineTuneService.Engine.Training;

namespace FineTuneService.Engine.Generation;

/// <summary>Draws a token from logits: temperature, then the top k, then the top p (nucleus, https://arxiv.org/abs/1904.09751).</summary>
internal sealed class Sampler(SamplingParameters parameters)
{
    private readonly CounterRandom _random = new(parameters.Seed, stream: 0);
    private ulong _drawn;
    private (float Logit, int Id)[] _candidates = [];

    /// <param name="logits">[vocabulary].</param>
    public int Next(ReadOnlySpan<float> logits)
    {
        if (parameters.Temperature <= 0) return TensorPrimitives.IndexOfMax(logits);
        Span<(float Logit, int Id)> kept = Sorted(logits);
        if (parameters.TopK > 0) kept = kept[..Math.Min(parameters.TopK, kept.Length)];

        double highest = kept[0].Logit, sum = 0;
        var weights = new double[kept.Length];
        for (int i = 0; i < weights.Length; i++) sum += weights[i] = Math.Exp((kept[i].Logit - highest) / parameters.Temperature);
        int count = Nucleus(weights, sum, out double total);
        double point = _random.Unit(_drawn++) * total;
        for (int i = 0; i < count - 1; i++)
        {
            point -= weights[i];
            if (point < 0) return kept[i].Id;
        }
        return kept[count - 1].Id;
    }

    /// <summary>How many of the most likely tokens are drawn from, and their weight together.</summary>
    private int Nucleus(double[] weights, double sum, out double total)
    {
        total = 0;
        int count = 0;
        do total += weights[count++];
        while (count < weights.Length && total < parameters.TopP * sum);
        return count;
    }

    /// <summary>Most likely first; the lower id first among equals, so that the order is the same everywhere.</summary>
    private Span<(float Logit, int Id)> Sorted(ReadOnlySpan<float> logits)
    {
        if (_candidates.Length != logits.Length) _candidates = new (float, int)[logits.Length];
        for (int id = 0; id < logits.Length; id++) _candidates[id] = (logits[id], id);
        Array.Sort(_candidates, (a, b) => a.Logit != b.Logit ? b.Logit.CompareTo(a.Logit) : a.Id.CompareTo(b.Id));
        return _candidates;
    }
}
