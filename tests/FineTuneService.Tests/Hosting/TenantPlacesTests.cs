using FineTuneService.Hosting;

namespace FineTuneService.Tests.Hosting;

public sealed class TenantPlacesTests
{
    [Theory]
    [InlineData(256, 128, 4)]
    [InlineData(16, 8, 4)]
    [InlineData(2, 1, 1)]
    [InlineData(1, 1, 1)]
    public void TryTake_TenantsThatTakeAllTheyCan_LeaveTheFirstFewToOthers(int most, int own, int few)
    {
        var places = new TenantPlaces(most);
        Assert.Equal(own, Take(places, "a"));
        Take(places, "b");
        for (int tenant = 0; tenant < 50; tenant++) Assert.InRange(Take(places, $"t{tenant}"), few, own);
        places.Give("a");
        Assert.True(places.TryTake("new"));
    }

    [Fact]
    public void Give_All_LeavesEveryPlaceFree()
    {
        var places = new TenantPlaces(8);
        for (int round = 0; round < 3; round++)
        {
            int taken = Take(places, "a");
            Assert.Equal(4, taken);
            for (int i = 0; i < taken; i++) places.Give("a");
        }
    }

    private static int Take(TenantPlaces places, string tenant)
    {
        int taken = 0;
        while (places.TryTake(tenant)) taken++;
        return taken;
    }
}
