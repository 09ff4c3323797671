using FineTuneService.Device;
using FineTuneService.Hosting;
using Microsoft.Extensions.Options;

namespace FineTuneService.Tests.Device;

public sealed class DeviceLeaseTests
{
    private static readonly TimeSpan Block = TimeSpan.FromMilliseconds(10), Token = TimeSpan.FromMilliseconds(7);

    [Theory, InlineData(0.2), InlineData(0.5)]
    public async Task Offer_RequestsWithoutEnd_LeavesTrainingItsShare(double share)
    {
        var clock = new ManualClock();
        using var lease = new DeviceLease(Options.Create(new FineTuneOptions { TrainingShare = share }), clock);
        TimeSpan served = default;
        bool DrawToken()
        {
            clock.Pass(Token);
            served += Token;
            return served < TimeSpan.FromSeconds(60);
        }
        TimeSpan trained = await lease.Train("job", () =>
        {
            lease.AddStepper(DrawToken);
            TimeSpan blocks = default;
            for (; served < TimeSpan.FromSeconds(50); blocks += Block)
            {
                clock.Pass(Block);
                lease.Offer();
            }
            lease.RemoveStepper(DrawToken);
            return blocks;
        });
        Assert.Equal(share, trained / (trained + served), 0.02);
    }

    [Fact]
    public async Task Offer_RequestAfterAPause_IsServedAtOnce()
    {
        var clock = new ManualClock();
        using var lease = new DeviceLease(Options.Create(new FineTuneOptions()), clock);
        await lease.Train("job", () =>
        {
            for (int request = 0; request < 3; request++)
            {
                Task<bool> answer = lease.Serve("chat", () =>
                {
                    clock.Pass(Token);
                    return true;
                });
                lease.Offer();
                Assert.True(answer.IsCompleted);
                clock.Pass(Block);
            }
            return true;
        });
    }

    [Fact]
    public async Task Serve_WorkThatThrows_TellsWhoAskedAndGoesOn()
    {
        using DeviceLease lease = Lease();
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => lease.Serve<bool>("bad", () => throw new InvalidOperationException("of the work")));
        Assert.Equal("of the work", failure.Message);
        await Assert.ThrowsAsync<InvalidOperationException>(() => lease.Train<bool>("bad", () => throw new InvalidOperationException("of the job")));
        Assert.Equal(3, await lease.Serve("good", () => 3));
    }

    [Fact]
    public async Task AddStepper_StepThatThrows_IsNotAskedAgainAndOthersGoOn()
    {
        using DeviceLease lease = Lease();
        int bad = 0, good = 0;
        bool Good() => ++good < 5;
        await lease.Serve("add", () =>
        {
            lease.AddStepper(() => throw new InvalidOperationException($"{++bad}"));
            lease.AddStepper(Good);
            return true;
        });
        while (await lease.Serve("count", () => good) < 5) { }
        // Within a job's offers as well.
        await lease.Train("job", () =>
        {
            lease.AddStepper(() => throw new InvalidOperationException($"{++bad}"));
            lease.Offer();
            return true;
        });
        Assert.Equal(2, bad);
    }

    [Fact]
    public async Task Train_AnswersWithoutEnd_StartsSoonAndSoDoesTheNext()
    {
        using DeviceLease lease = Lease();
        bool answering = true;
        await lease.Serve("add", () =>
        {
            lease.AddStepper(() =>
            {
                Thread.Sleep(2);
                return answering;
            });
            return true;
        });
        for (int job = 0; job < 3; job++) Assert.Equal(job, await lease.Train("job", () => job).WaitAsync(TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken));
        answering = false;
    }

    [Fact]
    public async Task Cancel_WorkThatWaits_LeavesTheQueueAtOnce()
    {
        using DeviceLease lease = Lease();
        using var open = new ManualResetEventSlim();
        Task<bool> blocking = lease.Serve("long", () =>
        {
            open.Wait();
            return true;
        });
        using var cancel = new CancellationTokenSource();
        bool ran = false;
        Task<bool>[] waiting = [lease.Serve("chat", () => ran = true, cancel.Token), lease.Train("job", () => ran = true, cancel.Token)];
        await cancel.CancelAsync();
        foreach (Task<bool> wait in waiting) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => wait.WaitAsync(TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken));
        open.Set();
        await blocking;
        Assert.False(await lease.Serve("after", () => ran));
    }

    [Fact]
    public async Task Serve_OneTenantWithMany_TakesTurnsWithAnother()
    {
        using DeviceLease lease = Lease();
        using var open = new ManualResetEventSlim();
        Task<bool> blocking = lease.Serve("long", () =>
        {
            open.Wait();
            return true;
        });
        var order = new List<string>();
        Task<bool> Work(string tenant) => lease.Serve("chat", () =>
        {
            order.Add(tenant);
            return true;
        }, default, tenant);
        Task[] all = [.. Enumerable.Range(0, 50).Select(_ => Work("loud")), Work("quiet"), Work("quiet")];
        open.Set();
        await Task.WhenAll(all);
        Assert.Equal(["loud", "quiet", "loud", "quiet", "loud"], order[..5]);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Yield_ChatDuringAnEvaluation_IsServedWithinItAndNoOtherEvaluationIs(bool whileAJobTrains)
    {
        var clock = new ManualClock();
        using var lease = new DeviceLease(Options.Create(new FineTuneOptions()), clock);
        var order = new List<string>();
        bool Say(string what)
        {
            order.Add(what);
            return true;
        }
        Task<bool> Evaluate(string name) => lease.Share("an evaluation", () =>
        {
            Task<bool>? chat = null;
            for (int block = 0; block < 3; block++)
            {
                Say($"{name}{block}");
                if (block == 0) chat = lease.Serve("chat", () => Say($"chat of {name}"));
                clock.Pass(Block);
                lease.Yield();
            }
            return chat!.IsCompleted;
        });
        Task<bool>[] both = [];
        bool Begin()
        {
            both = [Evaluate("a"), Evaluate("b")];
            return true;
        }
        if (!whileAJobTrains) await lease.Serve("begin", Begin);
        else await lease.Train("job", () =>
        {
            Begin();
            for (int block = 0; both.Any(evaluation => !evaluation.IsCompleted) && block < 100; block++)
            {
                clock.Pass(Block);
                lease.Offer();
            }
            return true;
        });
        Assert.All(await Task.WhenAll(both), Assert.True);
        Assert.Equal(["a0", "chat of a", "a1", "a2", "b0", "chat of b", "b1", "b2"], order);
    }

    [Fact]
    public async Task Stuck_WorkThatDoesNotComeBack_IsNamedUntilItDoes()
    {
        var clock = new ManualClock();
        using var lease = new DeviceLease(Options.Create(new FineTuneOptions()), clock);
        using ManualResetEventSlim began = new(), open = new();
        Task<bool> blocking = lease.Serve("load something", () =>
        {
            began.Set();
            open.Wait();
            return true;
        });
        began.Wait(TestContext.Current.CancellationToken);
        clock.Pass(TimeSpan.FromSeconds(20));
        Assert.Null(lease.Stuck);
        clock.Pass(TimeSpan.FromSeconds(20));
        Assert.Equal(new DeviceHold("load something", TimeSpan.FromSeconds(40)), lease.Stuck);
        open.Set();
        await blocking;
        await lease.Serve("next", () => true);
        Assert.Null(lease.Stuck);
    }

    [Fact]
    public async Task Stuck_AJobThatOffers_IsNot()
    {
        var clock = new ManualClock();
        using var lease = new DeviceLease(Options.Create(new FineTuneOptions()), clock);
        Assert.Null(await lease.Train("job", () =>
        {
            for (int block = 0; block < 10; block++)
            {
                clock.Pass(TimeSpan.FromSeconds(20));
                lease.Offer();
            }
            return lease.Stuck;
        }));
    }

    [Fact]
    public async Task Dispose_WorkThatWaits_IsCancelled()
    {
        DeviceLease lease = Lease();
        using ManualResetEventSlim began = new(), open = new();
        Task<bool> blocking = lease.Serve("long", () =>
        {
            began.Set();
            return open.Wait(TimeSpan.FromSeconds(1));
        });
        began.Wait(TestContext.Current.CancellationToken);
        Task<bool> waiting = lease.Serve("chat", () => true);
        lease.Dispose();
        await blocking;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => lease.Serve("late", () => true));
    }

    private static DeviceLease Lease() => new(Options.Create(new FineTuneOptions()), TimeProvider.System);

    private sealed class ManualClock : TimeProvider
    {
        private long _ticks = 1;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _ticks;

        public void Pass(TimeSpan time) => _ticks += time.Ticks;
    }
}
