namespace TorchSharp.Tests;

public sealed class RandomTests
{
    [Fact]
    public void ManualSeed_TwiceTheSame_RepeatsTheNumbers()
    {
        manual_seed(7).Dispose();
        var first = randn(100);
        manual_seed(7).Dispose();
        Assert.True(first.Equals(randn(100)));
        Assert.False(first.Equals(randn(100)));
        Assert.Equal(7, initial_seed());
    }

    [Fact]
    public void Randn_OfSeedZero_IsPyTorchs()
    {
        manual_seed(0).Dispose();
        Expect.Holds(randn(3), 1.5409960746765137, -0.293428897857666, -2.178789377212524);
    }

    [Fact]
    public void Generator_HasItsOwnStream()
    {
        using var one = new Generator(3);
        using var two = new Generator(3);
        var first = rand(10, generator: one);
        _ = rand(10);
        Assert.True(first.Equals(rand(10, generator: two)));
        var state = one.get_state();
        var next = randint(0, 1000, new long[] { 10 }, generator: one);
        one.set_state(state);
        Assert.True(next.Equals(randint(0, 1000, new long[] { 10 }, generator: one)));
    }

    [Fact]
    public void Distributions_HaveTheirMoments()
    {
        manual_seed(1).Dispose();
        var uniform = empty(20000).uniform_(-1, 3);
        Assert.InRange(uniform.min().ToSingle(), -1, -0.9);
        Assert.InRange(uniform.max().ToSingle(), 2.9, 3);
        var normal = empty(20000).normal_(2, 3);
        Assert.InRange(normal.mean().ToSingle(), 1.9, 2.1);
        Assert.InRange(normal.std().ToSingle(), 2.9, 3.1);
        Assert.InRange(zeros(20000).bernoulli_(0.3).mean().ToSingle(), 0.28, 0.32);
        var integers = randint(5, 8, new long[] { 1000 });
        Assert.Equal((5, 7), (integers.min().ToInt64(), integers.max().ToInt64()));
        Expect.Holds(randperm(50).sort().Values, [.. Enumerable.Range(0, 50)]);
    }

    [Fact]
    public void Multinomial_DrawsByWeight()
    {
        manual_seed(1).Dispose();
        var drawn = tensor(new[] { 0f, 1f, 3f }).multinomial(4000, replacement: true);
        Assert.InRange((drawn == 2).sum().ToInt64(), 2900, 3100);
        Assert.Equal(0, (drawn == 0).sum().ToInt64());
    }
}
