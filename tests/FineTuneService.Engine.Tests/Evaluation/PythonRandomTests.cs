using FineTuneService.Engine.Evaluation.Tasks;

namespace FineTuneService.Engine.Tests.Evaluation;

public sealed class PythonRandomTests
{
    /// <summary>What CPython 3.11 gives: r = random.Random(1234); r.sample(range(count), size), one after the other.</summary>
    [Fact]
    public void Sample_SeedOfTheHarness_DrawsAsCPython()
    {
        var random = new PythonRandom(1234);
        Assert.Equal([6374, 3610, 957, 61, 742], random.Sample(7473, 5));
        Assert.Equal([7462, 6610, 4769, 286, 5501], random.Sample(7473, 5));
        Assert.Equal([5677, 687, 806, 6279, 2905], random.Sample(7473, 5));
        Assert.Equal([7, 0, 25, 11, 20], random.Sample(30, 5));
        Assert.Equal([9, 7, 8, 1, 0, 6, 5], random.Sample(10, 7));
        Assert.Equal([1731, 29, 1030, 996, 1803, 1976], random.Sample(2000, 6));
    }
}
