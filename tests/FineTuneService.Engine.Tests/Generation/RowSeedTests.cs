using FineTuneService.Engine.Generation;

namespace FineTuneService.Engine.Tests.Generation;

public sealed class RowSeedTests
{
    [Fact]
    public void Of_NeighbouringSeedsPromptsRepeatsAndChoices_AreAllDifferent()
    {
        int[][] prompts = [[1], [2], [1, 2], [2, 1], [1, 0], [0, 1]];
        ulong[] seeds = [.. from seed in Enumerable.Range(0, 8) from prompt in prompts from repeat in Enumerable.Range(0, 8) from choice in Enumerable.Range(0, 8)
            select RowSeed.Of((ulong)seed, prompt, repeat, choice)];
        Assert.Equal(seeds.Length, seeds.Distinct().Count());
    }

    [Fact]
    public void Of_TheSameRow_IsTheSame() => Assert.Equal(RowSeed.Of(7, [1, 2], 0, 1), RowSeed.Of(7, [1, 2], 0, 1));
}
