using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Autograd;

internal static class GradientAssert
{
    /// <summary>
    /// Gradients equal autograd's within 1e-5 of the largest in fp32, 1e-2 in bf16. Eager bf16 rounds after every operator and is itself
    /// off (by 1.5e-2 for k_proj's A in a block, whose gradient is what is left of larger ones), so a gradient that the tape made in bf16
    /// may also be near what autograd makes of the same values in fp32: within 1e-2, or half as far again as eager bf16 is. The tape
    /// rounds as often in other places, so its errors are as large and not the same.
    /// </summary>
    /// <param name="computed">The dtype that the tape's products were made in.</param>
    /// <param name="autograd">The same gradients, computed in the dtype that it is given.</param>
    public static void Equal(ScalarType computed, IReadOnlyList<(string Name, Tensor Gradient)> tape, Func<ScalarType, IReadOnlyList<Tensor>> autograd)
    {
        IReadOnlyList<Tensor> same = autograd(computed), exact = computed == ScalarType.Float32 ? same : autograd(ScalarType.Float32);
        Assert.Equal(tape.Count, same.Count);
        for (int i = 0; i < tape.Count; i++)
        {
            double difference = Math.Min(Difference(tape[i].Gradient, same[i]), Difference(tape[i].Gradient, exact[i]));
            double limit = computed == ScalarType.Float32 ? 1e-5 : Math.Max(1e-2, 1.5 * Difference(same[i], exact[i]));
            Assert.True(difference <= limit, $"{tape[i].Name}: differs by {difference:E2} of the largest, at most {limit:E2}");
        }
    }

    /// <summary>The largest difference over the largest expected element.</summary>
    private static double Difference(Tensor gradient, Tensor expected)
    {
        Assert.Equal(expected.shape, gradient.shape);
        Tensor wide = expected.to_type(ScalarType.Float64);
        double largest = wide.abs().max().item<double>();
        Assert.True(largest > 0, "autograd's gradient is zero everywhere, which tests nothing");
        return (gradient.to_type(ScalarType.Float64) - wide).abs().max().item<double>() / largest;
    }
}
