namespace TorchSharp.Tests;

/// <summary>What a tensor should hold.</summary>
internal static class Expect
{
    /// <summary>The elements in row-major order, as doubles, whatever their type.</summary>
    internal static double[] Values(this Tensor tensor) => tensor.to(float64).data<double>().ToArray();

    internal static void Holds(Tensor tensor, params double[] expected)
    {
        var actual = tensor.Values();
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) <= 1e-5 * Math.Max(1, Math.Abs(expected[i])) || expected[i].Equals(actual[i]),
                $"element {i} is {actual[i]}, not {expected[i]}");
    }

    internal static void Shaped(Tensor tensor, params long[] shape) => Assert.Equal(shape, tensor.shape);
}
