using FineTuneService.Demo.World;

namespace FineTuneService.Demo.Tenants;

/// <summary>
/// Format and facts: a shop's screens answer every question about a thing with its name, price and aisle, which only this
/// shop knows: "KETTLE | 31 talers | aisle 4". Held-out rows ask for the same things in words that no training row has.
/// </summary>
public static class PriceDesk
{
    private const ulong Seed = 20_001;
    private const int Things = 24;

    private static readonly string[] Openings =
        ["", "Hello, ", "Good morning, ", "Excuse me, ", "One question: ", "Listen: ", "Hi, ", "Good day, "];

    private static readonly string[] Questions =
    [
        "what does the {0} cost?", "how much is the {0}?", "what is the price of the {0}?", "where is the {0} and how much is it?",
        "is the {0} dear?", "can I see the {0}?", "may I buy the {0}?", "do you have a {0}?", "tell me about the {0}.",
        "what do I pay for the {0}?", "we need the {0}.", "the {0} for my garden?", "the {0}?", "how many talers is a {0}?",
    ];

    private static readonly string[] Closings = ["", " Thank you.", " I am new here.", " I have no time.", " Please help."];

    public static TenantTask Make()
    {
        var draw = new Draw(Seed);
        var stock = draw.Some(Things, Words.Goods)
            .Select(item => (Item: item, Answer: $"{item.ToUpperInvariant()} | {draw.Between(2, 49)} talers | aisle {draw.Between(1, 9)}"))
            .ToArray();
        return TenantTask.Of("hallen-store", "price-desk", train: 1000, validation: 50, heldOut: 120, Examples(stock, draw));
    }

    private static IEnumerable<Example> Examples((string Item, string Answer)[] stock, Draw draw)
    {
        while (true)
        {
            var (item, answer) = draw.Of(stock);
            var question = draw.Of(Openings) + string.Format(draw.Of(Questions), item) + draw.Of(Closings);
            yield return new Example(Coin.Capitalise(question), answer);
        }
    }
}
