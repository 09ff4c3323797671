using System.Numerics.Tensors;
using FineTuneService.Engine.Training;

namespace FineTuneService.Engine.Generation;

/// <summary>Draws a token from logits: temperature, then the top k, then the top p (nucleus, https://arxiv.org/abs/1904.09751).</summary>
internal sealed class Sampler(SamplingParameters parameters)
{
    private readonly CounterRandom _random = new(parameters.Seed, stream: 0);
    private readonly List<int> _kept = [];
    private double[] _weights = [];
    private ulong _drawn;

    /// <param name="logits">[vocabulary].</param>
    public int Next(ReadOnlySpan<float> logits)
    {
        if (parameters.Temperature <= 0) return TensorPrimitives.IndexOfMax(logits);
        double total = Weigh(logits);
        Keep(ref total);
        double point = _random.Unit(_drawn++) * total;
        foreach (int id in _kept)
        {
            point -= _weights[id];
            if (point < 0) return id;
        }
        return _kept[^1]; // The sum was rounded up.
    }

    /// <summary>Every token's probability times the sum that is returned.</summary>
    private double Weigh(ReadOnlySpan<float> logits)
    {
        if (_weights.Length != logits.Length) _weights = new double[logits.Length];
        float highest = TensorPrimitives.Max(logits);
        double sum = 0;
        for (int id = 0; id < logits.Length; id++) sum += _weights[id] = Math.Exp((logits[id] - highest) / parameters.Temperature);
        return sum;
    }

    /// <summary>Chooses the tokens that are drawn from, and their weight together.</summary>
    private void Keep(ref double total)
    {
        _kept.Clear();
        bool all = parameters.TopK <= 0, whole = parameters.TopP >= 1;
        // Tokens below this weigh less than 1 - p together, so that the nucleus is full before the first of them.
        double floor = all && !whole ? (1 - parameters.TopP) * total / _weights.Length : 0;
        for (int id = 0; id < _weights.Length; id++)
        {
            if (_weights[id] >= floor) _kept.Add(id);
        }
        if (all && whole) return;

        // Most likely first; the lower id first among equals, so that the order is the same everywhere.
        _kept.Sort((a, b) => _weights[a] != _weights[b] ? _weights[b].CompareTo(_weights[a]) : a.CompareTo(b));
        if (!all && _kept.Count > parameters.TopK)
        {
            _kept.RemoveRange(parameters.TopK, _kept.Count - parameters.TopK);
            total = _kept.Sum(id => _weights[id]);
        }
        double nucleus = 0;
        int count = 0;
        do nucleus += _weights[_kept[count++]];
        while (count < _kept.Count && nucleus < parameters.TopP * total);
        _kept.RemoveRange(count, _kept.Count - count);
        total = nucleus;
    }
}
