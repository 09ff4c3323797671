using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Generation.Rules;

namespace FineTuneService.Engine.Generation;

/// <summary>Draws a token from logits, after the rules that a request asks for, in the order that OpenAI and transformers apply them.</summary>
internal sealed class Sampler
{
    private readonly CounterRandom _random;
    private readonly ILogitRule[] _rules;
    private readonly bool _greedy;
    private readonly List<int> _previous;
    private float[] _scores = [];
    private double[] _weights = [];
    private ulong _drawn;

    /// <param name="prompt">The tokens that come before the first one drawn.</param>
    public Sampler(SamplingParameters parameters, IReadOnlyList<int> prompt)
    {
        (_random, _greedy) = (new CounterRandom(parameters.Seed, stream: 0), parameters.Temperature <= 0);
        _rules = [.. RulesOf(parameters, prompt.Count)];
        _previous = _rules.Length > 0 ? [.. prompt] : [];
    }

    /// <param name="logits">[vocabulary].</param>
    /// <param name="first">A rule that goes before all others: it says which tokens there are.</param>
    public int Next(ReadOnlySpan<float> logits, ILogitRule? first = null)
    {
        if (_rules.Length == 0 && first is null) return Draw(logits);
        if (_scores.Length != logits.Length) _scores = new float[logits.Length];
        logits.CopyTo(_scores);
        first?.Apply(_scores, CollectionsMarshal.AsSpan(_previous));
        foreach (ILogitRule rule in _rules) rule.Apply(_scores, CollectionsMarshal.AsSpan(_previous));
        int id = Draw(_scores);
        Took(id);
        return id;
    }

    /// <summary>The token drawn last is not taken; another is drawn.</summary>
    public void PutBack()
    {
        if (_rules.Length > 0) _previous.RemoveAt(_previous.Count - 1);
    }

    /// <summary>A token has come, drawn or not.</summary>
    public void Took(int id)
    {
        if (_rules.Length > 0) _previous.Add(id);
    }

    private static IEnumerable<ILogitRule> RulesOf(SamplingParameters parameters, int promptLength)
    {
        if (parameters.LogitBias.Count > 0) yield return new LogitBias(parameters.LogitBias);
        if (parameters.RepetitionPenalty != 1) yield return new RepetitionPenalty(parameters.RepetitionPenalty);
        if (parameters.FrequencyPenalty != 0 || parameters.PresencePenalty != 0)
            yield return new CountPenalties(parameters.FrequencyPenalty, parameters.PresencePenalty, promptLength);
        if (parameters.Temperature <= 0) yield break; // What follows never takes the most likely token away.
        if (parameters.Temperature != 1) yield return new Temperature(parameters.Temperature);
        if (parameters.TopK > 0) yield return new TopK(parameters.TopK);
        if (parameters.TopP < 1) yield return new TopP(parameters.TopP);
        if (parameters.MinP > 0) yield return new MinP(parameters.MinP);
        if (parameters.TypicalP < 1) yield return new TypicalP(parameters.TypicalP);
    }

    private int Draw(ReadOnlySpan<float> scores)
    {
        int likeliest = TensorPrimitives.IndexOfMax(scores);
        if (_greedy) return likeliest;
        if (_weights.Length != scores.Length) _weights = new double[scores.Length];
        double total = 0, highest = scores[likeliest];
        for (int id = 0; id < scores.Length; id++) total += _weights[id] = Math.Exp(scores[id] - highest);
        double point = _random.Unit(_drawn++) * total;
        for (int id = 0; id < _weights.Length; id++)
        {
            point -= _weights[id];
            if (point < 0) return id;
        }
        return likeliest; // The sum was rounded up.
    }
}
