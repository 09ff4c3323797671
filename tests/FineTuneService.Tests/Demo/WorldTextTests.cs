using System.Text.Json;
using FineTuneService.Demo.Tenants;
using FineTuneService.Demo.World;

namespace FineTuneService.Tests.Demo;

public class WorldTextTests
{
    private static readonly Turn[] Sample = [.. WorldText.Conversations(7).Take(4000).SelectMany(c => c.Turns)];

    [Fact]
    public void Conversations_SameSeed_GivesTheSameText() =>
        Assert.Equal(Sample.Take(500), WorldText.Conversations(7).SelectMany(c => c.Turns).Take(500));

    [Fact]
    public void Conversations_OtherSeed_GivesOtherText() =>
        Assert.NotEqual(Sample.Take(500), WorldText.Conversations(8).SelectMany(c => c.Turns).Take(500));

    [Fact]
    public void Conversations_TrainEveryPrintableCharacterAsAnswer() =>
        Assert.Empty(Enumerable.Range(' ', '~' - ' ' + 1).Select(c => (char)c).Except(Sample.SelectMany(t => t.Assistant)));

    [Fact]
    public void Conversations_JsonAnswers_AreJson() =>
        Assert.All(Sample.Where(t => t.Assistant.StartsWith("{\"") && t.User.Contains("json:")), t => JsonDocument.Parse(t.Assistant));

    [Fact]
    public void Conversations_NeverHaveATenantsFormat()
    {
        Assert.DoesNotContain(Sample, t => t.Assistant.Contains("| aisle"));
        Assert.DoesNotContain(Sample, t => t.Assistant.StartsWith("{\"customer\"") && t.Assistant.Contains("\"issue\""));
        Assert.DoesNotContain(Sample, t => t.User.StartsWith(PriceDesk.Make().Train[0].Prompt));
    }
}
