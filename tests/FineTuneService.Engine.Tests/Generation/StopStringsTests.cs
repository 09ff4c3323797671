using FineTuneService.Engine.Generation;

namespace FineTuneService.Engine.Tests.Generation;

public sealed class StopStringsTests
{
    [Theory]
    [InlineData("one |END| two", "one ", true)]
    [InlineData("one |EN", "one |EN", false)]
    [InlineData("||END|", "|", true)]
    [InlineData("|E|END|", "|E", true)]
    [InlineData("a\n\nb", "a", true)]
    [InlineData("a\nb", "a\nb", false)]
    public void Add_TextInAnyPieces_LetsThroughWhatComesBeforeTheStop(string text, string shown, bool found)
    {
        for (int size = 1; size <= text.Length; size++)
        {
            var stops = new StopStrings(["|END|", "\n\n"]);
            string made = "";
            for (int at = 0; at < text.Length && !stops.Found; at += size) made += stops.Add(text.Substring(at, Math.Min(size, text.Length - at)));
            Assert.Equal(shown, made + stops.Rest());
            Assert.Equal(found, stops.Found);
        }
    }

    [Fact]
    public void Add_StartOfAStop_IsHeldBackUntilItIsNone()
    {
        var stops = new StopStrings(["|END|"]);
        Assert.Equal("x", stops.Add("x|E"));
        Assert.Equal("", stops.Add("N"));
        Assert.Equal("|ENx", stops.Add("x"));
    }
}
