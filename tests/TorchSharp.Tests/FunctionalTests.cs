using static TorchSharp.torch.nn;

namespace TorchSharp.Tests;

public sealed class FunctionalTests
{
    [Fact]
    public void Linear_WithABias_MultipliesByTheTranspose() =>
        Expect.Holds(functional.linear(tensor(new[,] { { 1f, 2f } }), tensor(new[,] { { 3f, 4f }, { 5f, 6f } }), tensor(new[] { 1f, 0f })), 12, 17);

    [Fact]
    public void CrossEntropy_WithIgnoredTargets_AveragesOverTheOthers()
    {
        var logits = tensor(new[,] { { 0f, 0f }, { 3f, 1f }, { 9f, 9f } });
        var targets = tensor(new[] { 0L, 1L, -100L });
        double[] losses = [Math.Log(2), Math.Log(Math.Exp(3) + Math.Exp(1)) - 1];
        Expect.Holds(functional.cross_entropy(logits, targets), losses.Average());
        Expect.Holds(functional.cross_entropy(logits, targets, reduction: Reduction.Sum), losses.Sum());
        Expect.Holds(functional.nll_loss(logits.log_softmax(-1), targets), losses.Average());
    }

    [Fact]
    public void LayerNorm_OfARow_HasMeanZeroAndVarianceOne()
    {
        var y = functional.layer_norm(tensor(new[,] { { 1f, 2f, 3f, 6f } }), [4]);
        Expect.Holds(y.mean().abs() < 1e-6, 1);
        Expect.Holds((y.var(unbiased: false) - 1).abs() < 1e-4, 1);
    }

    [Fact]
    public void Dropout_KeepsTheMeanWhenTrainingAndEverythingOtherwise()
    {
        manual_seed(1).Dispose();
        var x = ones(10000);
        var dropped = functional.dropout(x, 0.25);
        Assert.InRange(dropped.mean().ToSingle(), 0.97, 1.03);
        Expect.Holds(dropped.max(), 4 / 3.0);
        Assert.True(functional.dropout(x, 0.25, training: false).Equals(x));
    }

    [Fact]
    public void OneHot_MarksEachIndex() => Expect.Holds(functional.one_hot(tensor(new[] { 2L, 0L }), 3), 0, 0, 1, 1, 0, 0);
}
