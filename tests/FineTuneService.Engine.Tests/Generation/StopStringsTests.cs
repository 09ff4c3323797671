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

    [Theory]
    [InlineData("xaabaaabz", "aaab", "xaab")]
    [InlineData("ababac", "abac", "ab")]
    [InlineData("zabcd", "bc|abcd", "za")]
    [InlineData("zabcd", "abc|bc", "z")]
    public void Add_StopsThatOverlapThemselvesOrOthers_EndAtTheFirstThatIsWhole(string text, string stops, string shown)
    {
        for (int size = 1; size <= text.Length; size++)
        {
            var strings = new StopStrings(stops.Split('|'));
            string made = "";
            for (int at = 0; at < text.Length && !strings.Found; at += size) made += strings.Add(text.Substring(at, Math.Min(size, text.Length - at)));
            Assert.True(strings.Found);
            Assert.Equal(shown, made);
        }
    }

    [Fact]
    public void Add_AMillionCharactersOfAStopsStart_TakesStepsByTheCharacterOnly()
    {
        // Steps that grew with what is held would be 10¹² here.
        var strings = new StopStrings([new string('a', 2_000_000) + "b"]);
        string made = "";
        for (int i = 0; i < 1000; i++) made += strings.Add(new string('a', 1000));
        Assert.Equal(("", false), (made, strings.Found));
        Assert.Equal(1_000_000, strings.Rest().Length);
    }
}
