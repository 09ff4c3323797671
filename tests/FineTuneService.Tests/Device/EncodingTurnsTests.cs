using FineTuneService.Device;

namespace FineTuneService.Tests.Device;

public sealed class EncodingTurnsTests
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(1), Soon = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Run_TenantWithSlowOnes_HoldsUpItsOwnAndNobodyElses()
    {
        var turns = new EncodingTurns();
        using var open = new ManualResetEventSlim();
        int running = 0, most = 0;
        Task<bool>[] slow = [.. Enumerable.Range(0, 6).Select(_ => turns.Run("slow", () =>
        {
            int now = Interlocked.Increment(ref running);
            most = Math.Max(most, now);
            open.Wait();
            Interlocked.Decrement(ref running);
            return true;
        }, Long, TestContext.Current.CancellationToken))];
        Assert.Equal(7, await turns.Run("quick", () => 7, Long, TestContext.Current.CancellationToken).WaitAsync(Soon, TestContext.Current.CancellationToken));
        Assert.DoesNotContain(slow, run => run.IsCompleted);
        open.Set();
        await Task.WhenAll(slow).WaitAsync(Soon, TestContext.Current.CancellationToken);
        Assert.InRange(most, 1, 2);
    }

    [Fact]
    public async Task Run_OneThatDoesNotEnd_IsGivenUpAndKeepsItsPlace()
    {
        var turns = new EncodingTurns();
        using var open = new ManualResetEventSlim();
        bool Wait()
        {
            open.Wait();
            return true;
        }
        for (int i = 0; i < 2; i++)
            await Assert.ThrowsAsync<TimeoutException>(() => turns.Run("t", Wait, TimeSpan.FromMilliseconds(50), TestContext.Current.CancellationToken));
        Task<bool> third = turns.Run("t", () => true, Long, TestContext.Current.CancellationToken);
        await Task.Delay(100, TestContext.Current.CancellationToken);
        Assert.False(third.IsCompleted);
        open.Set();
        Assert.True(await third.WaitAsync(Soon, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Run_EncodingThatThrows_ThrowsItsException()
    {
        var turns = new EncodingTurns();
        for (int i = 0; i < 5; i++)
        {
            var failure = await Assert.ThrowsAsync<InvalidDataException>(() => turns.Run<int>("t", () => throw new InvalidDataException("bad"), Long, TestContext.Current.CancellationToken));
            Assert.Equal("bad", failure.Message);
        }
    }
}
