using FineTuneService.Engine.Generation;

namespace FineTuneService.Engine.Tests.Generation;

public sealed class TurnQueueTests
{
    [Fact]
    public void TryDequeue_OneOwnerWithMany_TakesTurnsWithTheOthers()
    {
        TurnQueue<string> queue = Of("a1", "a2", "a3", "b1", "c1", "c2");
        Assert.Equal(["a1", "b1", "c1", "a2", "c2", "a3"], All(queue));
        Assert.Equal(0, queue.Count);
    }

    [Fact]
    public void TryDequeue_FirstMayNotGo_TakesTheNextOwnersAndKeepsTheOrder()
    {
        TurnQueue<string> queue = Of("a1", "a2", "b1");
        Assert.True(queue.TryDequeue(item => item[0] == 'b', out string? taken));
        Assert.Equal("b1", taken);
        Assert.False(queue.TryDequeue(_ => false, out _));
        Assert.Equal(["a1", "a2"], All(queue));
    }

    [Fact]
    public void Remove_AnyPlace_TakesNothingElseAway()
    {
        TurnQueue<string> queue = Of("a1", "a2", "a3", "b1");
        Assert.True(queue.Remove("a", "a2"));
        Assert.True(queue.Remove("b", "b1"));
        Assert.False(queue.Remove("b", "b1"));
        Assert.False(queue.Remove("a", "x"));
        Assert.Equal(2, queue.Count);
        Assert.Equal(["a1", "a3"], All(queue));
    }

    private static TurnQueue<string> Of(params string[] items)
    {
        var queue = new TurnQueue<string>();
        foreach (string item in items) queue.Enqueue(item[..1], item);
        return queue;
    }

    private static List<string> All(TurnQueue<string> queue)
    {
        var all = new List<string>();
        while (queue.TryDequeue(out string? item)) all.Add(item);
        return all;
    }
}
