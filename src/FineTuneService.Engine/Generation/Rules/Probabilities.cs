using System.Numerics.Tensors;

namespace FineTuneService.Engine.Generation.Rules;

/// <summary>Softmax of scores, in a buffer that a rule keeps.</summary>
internal sealed class Probabilities
{
    private float[] _values = [];

    public ReadOnlySpan<float> Of(ReadOnlySpan<float> scores)
    {
        if (_values.Length != scores.Length) _values = new float[scores.Length];
        float highest = TensorPrimitives.Max(scores);
        TensorPrimitives.Subtract(scores, highest, _values);
        TensorPrimitives.Exp<float>(_values, _values);
        TensorPrimitives.Divide(_values, TensorPrimitives.Sum<float>(_values), _values);
        return _values;
    }
}
