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

    private sealed class ManualClock : TimeProvider
    {
        private long _ticks = 1;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _ticks;

        public void Pass(TimeSpan time) => _ticks += time.Ticks;
    }
}
