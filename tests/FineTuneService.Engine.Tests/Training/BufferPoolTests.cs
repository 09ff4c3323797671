using FineTuneService.Engine.Compute;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Training;

public sealed class BufferPoolTests
{
    /// <summary>A conversation's prompt grows with every turn.</summary>
    [Fact]
    public void Lend_ShapesThatGrowStepByStep_KeepsAsManyBlocksAsOneStepNeeds()
    {
        using var pool = new BufferPool(CPU);
        for (long tokens = 100; tokens <= 1000; tokens++)
        {
            pool.Lend(ScalarType.Float32, tokens, 16);
            pool.Lend(ScalarType.Float32, tokens, 16);
            pool.ReturnAll();
        }
        Assert.Equal(2, pool.Blocks);
        Assert.Equal(2 * 1000 * 16 * sizeof(float), pool.Bytes);
    }

    [Fact]
    public void Lend_EqualSteps_GiveTheSameTensorsAgain()
    {
        using var pool = new BufferPool(CPU);
        (Tensor, Tensor, Tensor) Step()
        {
            var lent = (pool.Lend(ScalarType.Float32, 7, 9), pool.Lend(ScalarType.Float32, 7, 5), pool.Lend(ScalarType.BFloat16, 7, 9));
            pool.ReturnAll();
            return lent;
        }
        (Tensor a, Tensor b, Tensor c) = Step();
        (Tensor x, Tensor y, Tensor z) = Step();
        Assert.Same(a, x);
        Assert.Same(b, y);
        Assert.Same(c, z);
        Assert.Equal(3, pool.Blocks);
    }

    [Fact]
    public void Lend_WhileEarlierOnesAreOut_NeverGivesTheirMemory()
    {
        using var pool = new BufferPool(CPU);
        Tensor[] lent = [.. Enumerable.Range(1, 40).Select(i =>
        {
            Tensor tensor = pool.Lend(ScalarType.Float32, 10 + i * 7 % 40);
            tensor.fill_(i);
            return tensor;
        })];
        for (int i = 0; i < lent.Length; i++) Assert.True(lent[i].eq(i + 1).all().item<bool>());
    }
}
